"""`demi fuzz sdn` with what cannot be: an error that says what, where and what next, and no process left."""

from __future__ import annotations

import psutil
import pytest

from .conftest import Demi


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--command", "python -c exit(3) {port}"), "ended with code 3"),
        (("--command", "no-such-controller {port}"), "cannot be started"),
        (("--command", "python -c exit(3)"), "does not say where it listens"),
        (("--app", "lerning"), "did you mean 'learning'?"),
        (("--topology", "net.json"), "no links lead from s1 to s2, s3"),
        (("--topology", "line:2", "--policy", "policy.json"), "unknown host 'h9'"),
        (("--app", "real.py"), "a real socket escaped: socket()"),
    ],
)
def test_what_cannot_be_is_said(demi: Demi, words: tuple[str, ...], said: str) -> None:
    if "real.py" in words:
        pytest.importorskip("os_ken", reason="os-ken is an extra")
    (demi.folder / "net.json").write_text('{"hosts": {"h1": "s1"}, "links": [["s2", "s3"]]}')
    (demi.folder / "policy.json").write_text('{"isolate": [["h1", "h9"]]}')
    (demi.folder / "real.py").write_text(REAL)
    before = {one.pid for one in psutil.process_iter()}
    done = demi("fuzz", "sdn", *words, "--seed", 1, "-n", 1, "--workers", 1)
    text = " ".join(done.text.split())
    assert done.code in (1, 2), text
    assert said in text
    assert "next" in text
    mine = [one for one in psutil.process_iter() if one.pid not in before]
    assert [one for one in mine if demi.folder.name in " ".join(_words(one))] == []


def _words(process: psutil.Process) -> list[str]:
    try:
        return [process.cwd(), *process.cmdline()]
    except psutil.Error:
        return []


REAL = """
from os_ken.base import app_manager

class Real(app_manager.OSKenApp):
    def start(self):
        [kind for kind in object.__subclasses__() if kind.__module__ == "_socket"][0]()
        return super().start()
"""
