"""Where in the program something happened, and the errors that say so.

The one insight: the standard library and demi are between a program and whatever it reaches, and neither
is what its author can change; so a place is the nearest frame that is in neither.

Not here: what is reached (`escapes.py`), or stands for it (`stand_in.py`).
"""

from __future__ import annotations

import os
import sys
import types
from pathlib import Path

from demi.errors import ContractError

_HERE = os.sep + str(Path("demi") / "interpose") + os.sep
_LIBRARY = os.path.dirname(os.__file__) + os.sep
_PACKAGES = os.path.join(_LIBRARY, "site-packages")
REMEDIES = {
    "socket": "sockets must be made from the stand-in; let the adapter import the module that made it",
    "subprocess": "a child process cannot be held; run the program without it, or hold it as a black box",
    "thread": "threads must be made from the stand-in; let the adapter import the module that made it",
    "file": "the run would depend on the disk; pass the content in, or allow the path (files=)",
    "clock": "import the module under the stand-ins: add its package to packages=",
}


class EscapeError(ContractError):
    """The program reached something real.  what: the thing; where: the call site."""


class MissingError(EscapeError, AttributeError):
    """A stand-in lacks an attribute that the real module has; `hasattr` sees an AttributeError."""


def call_site(depth: int = 1) -> str:
    """`module.function:line` of the nearest caller in the program; names no path.

    The standard library's own functions are not what a user can change: they count only when nothing else
    called.
    """
    return place_in_program(sys._getframe(depth))


def place_in_program(frame: types.FrameType | None) -> str:
    """`call_site` of a frame."""
    nearest = None
    while frame is not None:
        file = frame.f_code.co_filename
        if _HERE in file:
            if nearest is not None:
                break  # what runs the program
        elif not file.startswith("<frozen"):
            nearest = nearest or frame
            if not file.startswith(_LIBRARY) or file.startswith(_PACKAGES):
                return site_of(frame)
        frame = frame.f_back
    return site_of(nearest) if nearest is not None else "?:0"


def site_of(frame: types.FrameType) -> str:
    """`module.function:line` of a frame."""
    module = frame.f_globals.get("__name__", "?")
    return f"{module}.{frame.f_code.co_qualname}:{frame.f_lineno}"


def escape(kind: str, what: str, *, remedy: str = "") -> EscapeError:
    """The error for a real thing of a kind: socket, subprocess, thread, file, clock."""
    return EscapeError(
        f"a real {kind} escaped: {what}", where=call_site(2), remedy=remedy or REMEDIES[kind]
    )
