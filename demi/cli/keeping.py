"""The file of a minimization: what is in it already is not lost to a run that has not beaten it.

The one insight: a better trace is written as soon as it is known, for a killed process to leave it, so what
is there before is safe only if that first goes to a file beside: `NAME.partial.jsonl`.

Into the file itself goes what is smaller than the run of the same original and violation that it holds, and
anything where there is no file.  At the end the result takes its place; an unfinished one does not where the
file holds as small a run of the same original.  Not here: files that only hold another violation.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from demi.cli.output import Line, Message, plural
from demi.errors import TraceError

if TYPE_CHECKING:
    from demi.trace import Trace

Size = tuple[int, int]


class Kept:
    """Where the traces of one minimization go."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.partial = partial_path(path)
        self._free = not path.exists()
        self._before = _read(path)

    def better(self, trace: Trace) -> None:
        """The best so far."""
        from demi.trace_codec import save

        beaten = self._rival(trace) and not self._as_small(trace)
        save(trace, self.path if self._free or beaten else self.partial)

    def finish(self, trace: Trace, done: bool) -> Path:
        """The result, of a minimization that came to its end or not; where it is now."""
        from demi.trace_codec import save

        keep = not done and self._rival(trace) and self._as_small(trace)
        path = self.partial if keep else self.path
        save(trace, path)
        if not keep:
            self.partial.unlink(missing_ok=True)
        return path

    def told(self) -> Message:
        """Why a result is not in the file that was asked for."""
        assert self._before is not None  # else it would be
        left = plural(len(self._before), "event")
        text = f"{self.path} holds {left} of the same run already and stays as it is"
        return Message("kept", {"kept": str(self.path)}, (Line("kept", text, hang=2),))

    def _rival(self, trace: Trace) -> bool:
        """Does the file hold a run of the same original and violation?"""
        old, now = self._before, trace.violation
        if old is None or old.violation is None or now is None:
            return False
        same = old.violation.fingerprint == now.fingerprint
        return same and old.header.parent == trace.header.parent

    def _as_small(self, trace: Trace) -> bool:
        """Is the run in the file as small as this one, or smaller?"""
        old = self._before
        return old is not None and _size(old) <= _size(trace)


def partial_path(path: Path) -> Path:
    """`a.partial.jsonl` for `a.jsonl`."""
    stem = path.name.removesuffix(".gz").removesuffix(".jsonl")
    return path.with_name(f"{stem}.partial.jsonl")


def _read(path: Path) -> Trace | None:
    from demi.trace_codec import load

    if path.is_dir():
        raise TraceError(
            "cannot write: this is a folder", where=str(path), remedy="name a file with -o"
        )
    try:
        return load(path) if path.exists() else None
    except TraceError:  # something else: it stays until the end
        return None


def _size(trace: Trace) -> Size:
    return trace.externals, len(trace)
