"""c65faucet, unmodified, from a YAML configuration: in process, or as a child process.

The one insight: its log files are all that it needs of a disk, so its logger is led to ours; the metrics
server listens inside.  It walks over sets of datapaths and ports, whose order Python takes from where they
lie in memory and from the hash seed, and spreads how long it remembers hosts by `hash(address)`; so its
modules have a `hash` that is the same in every run.  Nothing else is replaced.

Not here: the configuration.
"""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

from demi.errors import TargetError
from demi.interpose.threads.program import Program
from targets.sdn.controllers.black_box import BlackBox
from targets.sdn.controllers.in_process import InProcess

PORT = 6653
_OPTIONS = ["--ryu-config-file", "", "--ryu-ofp-listen-host"]


def _environ(config: str | Path, log: str) -> dict[str, str]:
    path = Path(config)
    if not path.is_file():
        raise TargetError(f"no configuration {path}", remedy="give the path of a faucet YAML file")
    return {
        "FAUCET_CONFIG": str(path.resolve()),
        "FAUCET_LOG": log,
        "FAUCET_EXCEPTION_LOG": log,
        "FAUCET_PROMETHEUS_PORT": "9302" if not log else "0",
        "FAUCET_PROMETHEUS_ADDR": "127.0.0.1",
        "FAUCET_CONFIG_STAT_RELOAD": "0",
        "FAUCET_EVENT_SOCK": "0",
    }


def _prepare(modules: Mapping[str, types.ModuleType]) -> None:
    """Loggers without files; hashes that are the same in every run."""
    logging: Any = modules["logging"]

    def get_logger(name: str, file: str, level: Any, propagate: Any) -> Any:
        logger = logging.getLogger(name)
        logger.setLevel(level)
        return logger

    vars(modules["faucet.valve"])["Valve"].__hash__ = lambda valve: valve.dp.dp_id
    plain = vars(modules["faucet.valve_util"])["get_logger"]
    for name, module in modules.items():
        if not name.startswith("faucet"):
            continue
        vars(module)["hash"] = _by_content
        if vars(module).get("get_logger") is plain:
            vars(module)["get_logger"] = get_logger


def _by_content(thing: Any) -> int:
    """`hash`, less `PYTHONHASHSEED`: of a string or a set of strings, by its bytes."""
    if isinstance(thing, frozenset) and all(isinstance(word, str) for word in thing):
        thing = "\n".join(sorted(thing))
    if not isinstance(thing, str):
        return hash(thing)
    return int.from_bytes(blake2b(thing.encode(), digest_size=7).digest(), "big")


def _apps(modules: Mapping[str, types.ModuleType]) -> Mapping[str, Any]:
    manager: Any = modules["c65of.app"]
    found = getattr(manager.AppManager.get_instance(), "applications", {})
    return {type(app).__name__: app for app in found.values()} if isinstance(found, dict) else {}


def in_process(name: str, config: str | Path) -> InProcess:
    """Faucet held step by step."""
    options = [*_OPTIONS, "0.0.0.0"]
    program = Program(
        "targets.sdn.controllers.faucet_main:main",
        packages=(
            "faucet", "c65of", "beka", "chewie", "prometheus_client",
            "targets.sdn.controllers.faucet_main",
        ),
        environ={**_environ(config, ""), "DEMI_FAUCET_OPTIONS": json.dumps(options)},
        late=False,
        imports=("faucet.faucet", "c65of.controller", "faucet.prom_client"),
        prepare=_prepare,
    )  # fmt: skip
    return InProcess(name, program, PORT, _apps)


def black_box(name: str, config: str | Path) -> BlackBox:
    """Faucet as a child process."""
    command = [
        sys.executable, "-m", "faucet", *_OPTIONS, "127.0.0.1", "--ryu-ofp-tcp-listen-port", "{port}",
    ]  # fmt: skip
    return BlackBox(name, command, environ=_environ(config, "STDERR"))
