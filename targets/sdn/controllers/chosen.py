"""Which controllers a configuration asks for, and how they are held.

    app=learning       an os-ken application of `targets/sdn/apps`
    app=mine.py        an os-ken application of yours
    app=faucet         c65faucet, with a configuration made of the topology
    app=faucet.yaml    c65faucet with this one
    command=WORDS      any program that listens on `{port}`, always a black box

The one insight: the words of a command line are all that controllers differ in, so `{name}` and `{store}` in
them are enough to tell several apart and to give them something to share.
Not here: how a controller is held (`in_process.py`, `black_box.py`).
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from hashlib import blake2b
from importlib import metadata
from pathlib import Path

from demi.errors import TargetError
from demi.target import Config, nearest
from targets.sdn.controllers.faucet_config import written_for
from targets.sdn.controllers.interface import Controller
from targets.sdn.network.topology import find_topology
from targets.sdn.store import Store

APPS = Path(__file__).parent.parent / "apps"
WAYS = ("in-process", "black-box")
_YAML = (".yaml", ".yml")
FAUCET = "faucet"


def chosen(config: Config, store: Store) -> list[Controller]:
    """One controller or several, alike but for their names.  Raises TargetError."""
    way, app, command = config["controller"], config["app"], config["command"]
    if way not in WAYS:
        raise TargetError(f"a controller is not held {way!r}", remedy="known: " + ", ".join(WAYS))
    names = [f"c{number + 1}" for number in range(config["controllers"])]
    if not names:
        raise TargetError("a network without a controller", remedy="controllers is 1 or more")
    shared = store.path if "{store}" in config["options"] + command else ""

    def filled(words: list[str], name: str) -> list[str]:
        return [word.replace("{name}", name).replace("{store}", shared) for word in words]

    if command:
        return _commanded(command, names, filled)
    if app == FAUCET:
        text = written_for(find_topology(config["topology"]))
        app = store.file(f"{blake2b(text.encode(), digest_size=8).hexdigest()}.yaml", text)
    if app.endswith(_YAML):
        return _faucets(way, app, names)
    options = ["--variant", config["variant"]] if config["variant"] else []
    options += ["--observe-links"] if config["probes"] else []
    options += shlex.split(config["options"])
    from targets.sdn.controllers import osken

    path = _application(app)
    hold: Callable[..., Controller] = osken.in_process if way == WAYS[0] else osken.black_box
    return [hold(name, [path], filled(options, name), shared) for name in names]


def _commanded(
    command: str, names: list[str], filled: Callable[[list[str], str], list[str]]
) -> list[Controller]:
    from targets.sdn.controllers.black_box import BlackBox

    if "{port}" not in command:
        raise TargetError(
            "the command does not say where it listens", where=command,
            remedy="write {port} where its OpenFlow port goes",
        )  # fmt: skip
    return [BlackBox(name, filled(shlex.split(command), name)) for name in names]


def _faucets(way: str, app: str, names: list[str]) -> list[Controller]:
    from targets.sdn.controllers import faucet

    hold: Callable[..., Controller] = faucet.in_process if way == WAYS[0] else faucet.black_box
    return [hold(name, app) for name in names]


def _application(app: str) -> Path:
    """The file of an application, by name or path."""
    if app.endswith(".py"):
        return Path(app)
    path = APPS / f"{app}.py"
    if not app.isidentifier() or not path.is_file():
        own = [path.stem for path in APPS.glob("*.py") if path.stem != "__init__"]
        known = sorted([*own, FAUCET])
        raise TargetError(
            f"no application {app!r}", remedy=f"{nearest(app, known)}; or a file that ends in .py"
        )
    return path


def version(config: Config) -> str:
    """What is under test; "" when it is not known."""
    if config["command"]:
        return ""
    faucet = config["app"] == FAUCET or config["app"].endswith(_YAML)
    package = "c65faucet" if faucet else "os-ken"
    try:
        return f"{package} {metadata.version(package)}"
    except metadata.PackageNotFoundError:
        return ""
