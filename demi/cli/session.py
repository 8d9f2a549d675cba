"""One use of the command line: what the user said, and how to get from names to things.

The one insight: every command needs the same road (configuration, target, settings, subject, trace), so
it is walked here once, and a failure anywhere on it knows which target and which trace it was about.

Not here: what the commands do.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from demi.cli.config import Configuration, read_configuration
from demi.cli.loading import Loaded, load_recorded, load_target
from demi.cli.output import HumanWriter, Writer, has_screen
from demi.cli.progress import Progress
from demi.cli.values import AUTO, RANDOM, WORKERS_MAX, Settings
from demi.errors import DemiError, TargetError, UsageError
from demi.interpose.hashes import pin
from demi.target import Target, configure, nearest

if TYPE_CHECKING:
    from demi.scheduler.execute import Subject
    from demi.trace import Trace

SEED_BITS = 32  # of a seed that is drawn: short enough to read out, long enough not to repeat


@dataclass
class Session:
    """writer, quiet, verbose, color: from the global options.  target, trace: what it is about.

    profile: of the configuration.  given: what `--target` said.  pins: may the process be started again,
    under the hash seed that a target needs?
    again: commands that a failure should end with, if it is known.
    """

    writer: Writer
    quiet: bool = False
    verbose: bool = False
    color: str = "auto"
    command: str = ""
    target: str = ""
    trace: str = ""
    given: str = field(default="", repr=False)
    again: tuple[str, ...] = ()
    profile: str = ""
    pins: bool = False

    @cached_property
    def configuration(self) -> Configuration:
        """The nearest pyproject.toml."""
        return read_configuration(Path.cwd())

    def progress(self) -> Progress:
        """A progress line."""
        return Progress(self.quiet, self.color)

    def campaign(self, title: str, ui: bool) -> Progress:
        """A progress line, or a full screen where one was asked for and can be."""
        if not ui or self.quiet:
            return self.progress()
        if not has_screen():
            from demi.cli.messages import notice

            self.writer.note(notice("note", "--ui needs a terminal of 40 x 10; a line instead"))
            return self.progress()
        from demi.cli.screen import Screen

        encoding = getattr(sys.stdout, "encoding", "") or ""
        return Screen(title, self.quiet, self.color, "utf" not in encoding.lower())

    def settings(self, target: str, given: Mapping[str, Any]) -> Settings:
        """All settings; `given` are the command line's, None where not given."""
        return self.configuration.settings(target, given, self.profile)

    def load(self, spec: str) -> Loaded:
        """The target the user named."""
        self.target = spec
        loaded = load_target(spec, self.configuration)
        self.pin(loaded.target.hash_seed)
        return loaded

    def pin(self, seed: str) -> None:
        """Go on under the hash seed that a target or a trace needs; see `interpose/hashes.py`."""
        if self.pins:
            pin(seed)

    def config(self, loaded: Loaded, bug: str, words: Sequence[str]) -> dict[str, Any]:
        """The target's configuration: its defaults, the bug's, the file's, then `--set`."""
        target = loaded.target
        chosen = dict(self.configuration.sets.get(loaded.spec, {}))
        if bug and bug != "none":  # the command line asks for a bug: the file may not undo it
            found = target.bugs.get(bug) or target.bugs.get(f"{target.name}-{bug}")
            chosen = {k: v for k, v in chosen.items() if found is None or k not in found.config}
        return configure(target, bug, {**chosen, **parse_sets(target, words)})

    def read(self, path: Path) -> Trace:
        """A trace file."""
        from demi.trace_codec import load

        self.trace = str(path)
        return load(path)

    def recorded(
        self, trace: Trace, given: str, words: Sequence[str] = ()
    ) -> tuple[Loaded, Subject]:
        """The subject of a trace.  given: `--target`.  Raises TargetError when it cannot be that."""
        self.given = given
        loaded = load_recorded(trace.header.target, given, self.configuration)
        self.target = loaded.spec
        seed = trace.header.hash_seed or loaded.target.hash_seed
        self.pin(seed)
        target = replace(loaded.target, hash_seed=seed)
        try:
            config = configure(target, "", {**trace.header.config, **parse_sets(target, words)})
        except TargetError as error:
            raise TargetError(
                error.what, where=self.trace, remedy=f"the header does not fit; {error.remedy}"
            ) from None
        subject = make_subject(target, config)
        if tuple(subject.world.names) != trace.header.nodes:
            raise TargetError(
                f"the trace has nodes {', '.join(trace.header.nodes)}; "
                f"{target.name} makes {', '.join(subject.world.names)}",
                where=self.trace,
                remedy="is it another target, or another release of it?",
            )
        return replace(loaded, target=target), subject


def plain_session() -> Session:
    """Before any option is read."""
    import sys

    return Session(HumanWriter(sys.stdout, sys.stderr))


def make_subject(target: Target, config: dict[str, Any]) -> Subject:
    """Build a world.  Raises TargetError when the target's own code fails."""
    from demi.scheduler.execute import Subject

    try:
        return Subject(target, config)
    except DemiError:
        raise
    except Exception as error:
        at = traceback.extract_tb(error.__traceback__)[-1]
        raise TargetError(
            f"{target.name} cannot be built: {type(error).__name__}: {error}"[:300],
            where=f"{os.path.basename(at.filename)}:{at.lineno}",
            remedy="correct the target's code, or its settings",
        ) from error


def tell_version(session: Session, trace: Trace, subject: Subject) -> None:
    """Say so when another release of the target made the trace."""
    from demi.cli.messages import notice

    header, here = trace.header, subject.target.version(subject.config)
    if header.target_version != here:
        session.writer.emit(
            notice(
                "version",
                f"recorded with {header.target} {header.target_version or '(no version)'}; "
                f"installed is {here or '(no version)'}",
                "warn",
                recorded=header.target_version,
                installed=here,
            )
        )


def parse_sets(target: Target, words: Sequence[str]) -> dict[str, Any]:
    """`--set key=value` as a mapping; a list is written as JSON."""
    import msgspec

    chosen: dict[str, Any] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            raise UsageError(f"--set wants KEY=VALUE, not {word!r}", remedy="as in --set nodes=5")
        chosen[key] = value
        if isinstance(target.defaults.get(key), list):
            try:
                chosen[key] = msgspec.json.decode(value)
            except msgspec.DecodeError:
                raise UsageError(
                    f"--set {key} wants a JSON list, not {value!r}", remedy=f"as in {key}='[1, 2]'"
                ) from None
    return chosen


def draw_seed(settings: Settings) -> int:
    """The seed: as given, or a new one.  The only chance in demi, and it is told to the user."""
    if settings.seed != RANDOM:
        return settings.seed
    return int.from_bytes(os.urandom(SEED_BITS // 8), "big")


def worker_count(settings: Settings) -> int:
    """How many processes: as given, or one per physical core that we may use."""
    if settings.workers != AUTO:
        return settings.workers
    import psutil

    cores = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        cores = min(cores, len(os.sched_getaffinity(0)))
    return max(1, min(cores, WORKERS_MAX))


def check_expected(fingerprint: str, subject: Subject) -> None:
    """Refuse a fingerprint that no invariant of the subject can have."""
    from demi.oracle import CRASH

    names = [*(invariant.name for invariant in subject.invariants), CRASH]
    if fingerprint and fingerprint.split("/")[0] not in names:
        raise UsageError(
            f"no invariant can show the fingerprint {fingerprint!r}",
            remedy=nearest(fingerprint, names),
        )


def shows(expected: str, fingerprint: str) -> bool:
    """Is a fingerprint the expected one, or that invariant's in any form?"""
    return fingerprint == expected or fingerprint.startswith(expected + "/")
