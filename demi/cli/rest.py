"""The file of what an exploration left over, and the command that goes on from there.

The one insight: a search that was interrupted by hand was not meant to be lost, so it is saved even
where no file was named.

Not here: what is in it (`demi/dpor/resume.py`).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from demi.cli.messages import command
from demi.errors import UsageError

if TYPE_CHECKING:
    from demi.dpor.result import Result


def read_rest(path: Path | None) -> dict[str, Any] | None:
    """The rest of an interrupted search.  Raises UsageError when the file is not one."""
    import msgspec

    if path is None or not path.exists():
        return None
    try:
        saved = msgspec.json.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        raise UsageError(
            f"not the rest of an exploration: {error}", where=str(path), remedy="start over"
        ) from None
    if not isinstance(saved, dict) or saved.get("demi") != "explore":
        raise UsageError("not the rest of an exploration", where=str(path), remedy="start over")
    return saved


def keep_rest(path: Path | None, result: Result, default: Path) -> Path | None:
    """Save what an ended search left over; a finished one leaves no file behind.

    default: where, when the user interrupted the search and named no file.
    """
    import msgspec

    if result.resume is None:
        if path is not None:
            path.unlink(missing_ok=True)
        return None
    if path is None:
        if result.ended.name != "INTERRUPTED":
            return None
        path = default
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(msgspec.json.encode(dict(result.resume)))
    part.replace(path)
    return path


def again(rest: Path) -> str:
    """The command that goes on."""
    words = sys.argv[1:]
    return command(*words, *(() if "--resume" in " ".join(words) else ("--resume", rest)))
