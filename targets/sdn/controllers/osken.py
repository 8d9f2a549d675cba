"""os-ken applications as a controller: in process, or as a child process.

Not here: the applications; their file is all that is named.
"""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from demi.errors import TargetError
from demi.interpose.escapes import reading
from demi.interpose.threads.program import Program
from targets.sdn.controllers.black_box import BlackBox
from targets.sdn.controllers.in_process import InProcess

PORT = 6653
_MAINS = ("targets.sdn.controllers.osken_held", "targets.sdn.controllers.osken_main")
_STATE = ("os_ken.base", "os_ken.controller", "os_ken.lib.hub", "os_ken.topology", "os_ken.services",
          "os_ken.cfg", "os_ken.app", "oslo_config")  # fmt: skip


def _found(app: str | Path) -> Path:
    path = Path(app)
    if not path.is_file():
        raise TargetError(f"no application {path}", remedy="give the path of a Python file")
    return path.resolve()


def _brick(modules: Mapping[str, types.ModuleType]) -> Mapping[str, Any]:
    manager = modules.get("os_ken.base.app_manager")
    return dict(manager.SERVICE_BRICKS) if manager is not None else {}


def _beside(paths: Sequence[Path]) -> list[str]:
    """What applications may import from next to them."""
    found = {near.stem for path in paths for near in path.parent.glob("*.py")}
    return sorted(stem for stem in found if stem.isidentifier() and stem != "__init__")


def in_process(
    name: str, apps: Sequence[str | Path], options: Sequence[str] = (), store: str = ""
) -> InProcess:
    """Applications from files, held step by step.

    options: os-ken's, such as `--observe-links`.  store: a folder that they may write to.
    """
    paths = [_found(app) for app in apps]
    modules, own = [path.stem for path in paths], _beside(paths)
    program = Program(
        "targets.sdn.controllers.osken_held:main",
        packages=("os_ken", "oslo_config", *_MAINS, *own),
        path=tuple(dict.fromkeys(str(path.parent) for path in paths)),
        environ={
            "DEMI_OSKEN_APPS": json.dumps(modules),
            "DEMI_OSKEN_OPTIONS": json.dumps(list(options)),
            "OSKEN_HUB_TYPE": "native",
        },
        stateful=(*_STATE, *own),
        late=False,
        imports=("os_ken.base.app_manager", *modules, "os_ken.topology.switches"),
        files=lambda path, mode: reading(path, mode) or bool(store and path.startswith(store)),
    )
    return InProcess(name, program, PORT, _brick)


def black_box(
    name: str, apps: Sequence[str | Path], options: Sequence[str] = (), store: str = ""
) -> BlackBox:
    """The same applications as a child process."""
    paths = [_found(app) for app in apps]
    command = [
        sys.executable, "-m", "targets.sdn.controllers.osken_main", *(path.stem for path in paths),
        "--", "--ofp-listen-host", "127.0.0.1", "--ofp-tcp-listen-port", "{port}", *options,
    ]  # fmt: skip
    here = Path(__file__).resolve().parents[3]
    path = [str(here), *dict.fromkeys(str(path.parent) for path in paths)]
    return BlackBox(name, command, environ={"OSKEN_HUB_TYPE": "native"}, path=path)
