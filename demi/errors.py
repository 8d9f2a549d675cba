"""Errors that end a command, each with its place, its remedy and its exit code.

The one insight: an error is a fact for a person, so it carries *what*, *where* and *what to do next*
as data, and the command line only lays them out.  Nothing here prints.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum


class ExitCode(IntEnum):
    """What the process returns; one table for every command."""

    OK = 0  # nothing violated within the budget
    VIOLATION = 1
    USAGE = 2  # usage, configuration, target or trace file error
    INTERNAL = 3
    DIVERGED = 4  # replay diverged, or the target is nondeterministic
    NOTHING = 5  # nothing ran, or a required completeness was not reached
    INTERRUPTED = 130


class DemiError(Exception):
    """A clear end: `what` is wrong, `where` (file, line, event; may be empty), `remedy` (next step).

    A remedy that takes work to find may be given as a function, called when somebody reads it.
    """

    exit_code = ExitCode.INTERNAL

    def __init__(self, what: str, *, where: str = "", remedy: str | Callable[[], str] = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self._remedy = remedy

    @property
    def remedy(self) -> str:
        """What to do next."""
        return self._remedy if isinstance(self._remedy, str) else self._remedy()

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        advice = f" ({self.remedy})" if self.remedy else ""
        return f"{place}{self.what}{advice}"

    def __reduce__(self) -> tuple[object, ...]:  # crosses process borders from fuzz workers
        return (_rebuild, (type(self), self.what, self.where, self.remedy))


def _rebuild(kind: type[DemiError], what: str, where: str, remedy: str) -> DemiError:
    return kind(what, where=where, remedy=remedy)


class UsageError(DemiError):
    """The command line or the configuration asks for something that does not exist."""

    exit_code = ExitCode.USAGE


class TargetError(DemiError):
    """A target cannot be loaded, configured or built."""

    exit_code = ExitCode.USAGE


class ContractError(DemiError):
    """The system under test broke the rules of its adapter (sent to nobody, mutated a message...)."""

    exit_code = ExitCode.USAGE


class TraceError(DemiError):
    """A trace file cannot be read: truncated inside a line, corrupt, foreign or hostile."""

    exit_code = ExitCode.USAGE


class DivergenceError(DemiError):
    """A replay did something else than the record, or two equal runs differed."""

    exit_code = ExitCode.DIVERGED
