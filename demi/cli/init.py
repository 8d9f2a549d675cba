"""`demi init [KIND] [FILE]`: a target that works, to be changed into one's own.

The one insight: the quickest way to understand a tool is to see it find something, so each skeleton is a
small system with a defect, an invariant that can fail, and the setting that repairs it.

The skeletons are texts beside this file; `{{name}}`, `{{file}}` and `{{program}}` are filled in.  Kinds
whose system is a program that knows nothing of demi write two files.
"""

from __future__ import annotations

import importlib.util
import re
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from demi.cli.output import Line, Message
from demi.cli.session import Session
from demi.errors import ExitCode, UsageError
from demi.target import nearest

KINDS = {"actor": "atomic", "asyncio": "locked", "threads": "safe", "openflow": "forgets"}
"""kind -> the setting that repairs its skeleton."""
NEEDS = {"openflow": ("os_ken", "demi-debugger[sdn]")}
SKELETONS = files("demi.cli") / "skeletons"


def init(
    context: typer.Context,
    kind: Annotated[
        str, typer.Argument(help="actor, asyncio, threads or openflow.", metavar="[KIND]")
    ] = "actor",
    file: Annotated[str, typer.Argument(help="What to write [my_KIND.py].", metavar="[FILE]")] = "",
) -> int:
    """Write a working target, with a bug to find, to begin from.

    Nothing is overwritten.

    \b
    Examples:
      demi init
      demi init asyncio shop.py
    """
    from demi.cli.messages import command, summary

    session: Session = context.obj
    if kind.endswith(".py") and not file:
        kind, file = "actor", kind
    if kind not in KINDS:
        raise UsageError(
            f"no skeleton {kind!r}", where="demi init", remedy=nearest(kind, list(KINDS))
        )
    path = _named(file or f"my_{kind}.py")
    texts = _texts(kind, path)
    _write(texts)
    for written in texts:
        session.writer.emit(
            Message("written", {"file": str(written)}, (Line("written", str(written), wrap=False),))
        )
    if kind in NEEDS and importlib.util.find_spec(NEEDS[kind][0]) is None:
        text = f"python -m pip install '{NEEDS[kind][1]}'"
        session.writer.emit(
            Message("note", {"needs": NEEDS[kind][1]}, (Line("needs", text, "warn"),))
        )
    target = f"{path}:TARGET"
    commands = [
        command("fuzz", target),
        command("fuzz", target, "--set", f"{KINDS[kind]}=true"),
        command("targets", target),
    ]
    session.writer.emit(
        summary("written", ExitCode.OK, (), commands, files=[str(one) for one in texts])
    )
    return int(ExitCode.OK)


def _named(file: str) -> Path:
    path = Path(file)
    if path.suffix != ".py" or not path.stem.isidentifier():
        stem = re.sub(r"\W", "_", path.stem if path.suffix == ".py" else path.name)
        stem = stem if stem.isidentifier() else f"my_{stem}"
        raise UsageError(
            f"{path.name!r} is not the name of a Python module",
            where="FILE",
            remedy=f"for example {path.with_name(stem + '.py')}",
        )
    return path


def _texts(kind: str, path: Path) -> dict[Path, str]:
    """What to write where."""
    program = path.with_name(f"{path.stem}_program.py")
    texts = {path: SKELETONS / f"{kind}.txt", program: SKELETONS / f"{kind}_program.txt"}
    filled = {"{{name}}": path.stem, "{{file}}": str(path), "{{program}}": program.name}
    made = {}
    for where, text in texts.items():
        if text.is_file():
            made[where] = text.read_text("utf-8")
            for mark, value in filled.items():
                made[where] = made[where].replace(mark, value)
    return made


def _write(texts: dict[Path, str]) -> None:
    """All or, where one of them exists, none."""
    for path in texts:
        if path.exists():
            raise UsageError(
                f"{path} exists, and nothing is overwritten",
                where="FILE",
                remedy="name another file, or move it away",
            )
    for path, text in texts.items():
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise UsageError(
                f"cannot write {path}: {error.strerror}",
                where="FILE",
                remedy="name another file",
            ) from None
