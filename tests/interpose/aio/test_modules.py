"""Isolated packages: every host, and every start of it, has its own copy."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from aio_programs import do, ext

from demi.errors import ContractError, TargetError
from demi.events import Kind
from demi.interpose.aio import AsyncioWorld, Host, Service

PACKAGE = {
    "__init__.py": "from .box import Box\n\n\ndef late():\n    from . import attic\n    return attic\n",
    "box.py": "class Box:\n    names = []\n",
    "attic.py": "KEPT = []\n",
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "cellar"
    folder.mkdir()
    for name, text in PACKAGE.items():
        (folder / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    assert not [name for name in sys.modules if name.split(".")[0] == "cellar"]


async def keeper(host: Host) -> None:
    cellar = host.module("cellar")
    cellar.Box.names.append(host.name)
    attic = cellar.late()
    attic.KEPT.append(host.name)
    host.state = (
        tuple(cellar.Box.names), tuple(attic.KEPT), cellar.late() is attic,
        Path(cellar.__file__).name, cellar.Box.__module__,
    )  # fmt: skip


def test_state_in_classes_and_modules_is_per_host_and_per_start(package: Path) -> None:
    world = AsyncioWorld({"a": Service(keeper), "b": Service(keeper)}, isolate=["cellar"])
    try:
        for seed in (1, 2):
            world.reset(seed)
            for node, name in enumerate("ab"):
                mine = (name,)
                expected = (mine, mine, True, "__init__.py", "cellar.box")
                assert world.observe().state(node) == expected
        do(world, ext(Kind.CRASH, "b"))
        do(world, ext(Kind.RESTART, "b"))
        assert world.observe().state(1)[:2] == (("b",), ("b",))
    finally:
        world.close()


def test_what_is_not_isolated_and_what_is_missing_say_so(package: Path) -> None:
    async def asks(host: Host) -> None:
        host.module("attic")

    with pytest.raises(ContractError, match="not isolated per host") as caught:
        AsyncioWorld({"a": Service(asks)}, isolate=["cellar"])
    assert "isolate=('attic',)" in caught.value.remedy
    with pytest.raises(TargetError, match="cannot be imported") as missing:
        AsyncioWorld({"a": Service(keeper)}, isolate=["no_such_cellar"])
    assert missing.value.remedy == "pip install no_such_cellar"
