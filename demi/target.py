"""Targets: a system under test with everything the engines need to know about it.

The one insight: one frozen object says how to build the world, what the outside may do to it, what must
hold and which defects are known, so that every engine works on every target.

A target sees floors 0 and 1 only.  Not here: finding targets by name (`demi/cli`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from demi.errors import TargetError
from demi.events import External, Item
from demi.interpose.world import World
from demi.oracle import Invariant, View
from demi.verdict import Violation

Config = Mapping[str, Any]
_EMPTY: Mapping[str, Any] = MappingProxyType({})


Portrait = Callable[[Any], Any]
"""Of a node that is up: an immutable value in which node names appear as plain strings.

Two nodes whose portraits are equal after a renaming of nodes must behave alike after that renaming: no
order by name, no draw from `ctx.random`, and invariants that do not tell nodes apart."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What of a system may be left out, for the minimizer.

    names: the parts, those that matter least first.  without(gone) -> the configuration less these parts;
    raises TargetError where that is no system.  world(world, config): such a world; it may share with
    `world` what is started anew by each reset, since only one of them is ever in use.
    """

    names: tuple[str, ...]
    without: Callable[[Sequence[str]], Config]
    world: Callable[[World, Config], World]


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing the fuzzer may do.

    make(draw, names, i) gives the externals of the i-th choice; `draw(n)` is a number in 0..n-1 from
    the program's stream.  More than one external = an atomic group (crash with its restart), which
    the fuzzer offers together and the minimizer removes together.  weight: relative frequency.
    """

    name: str
    weight: float
    make: Callable[[Callable[[int], int], Sequence[str], int], Sequence[External]]


@dataclass(frozen=True, slots=True)
class Profile:
    """How to fuzz a target: prefix, a drawn middle, postfix.

    items: how many choices are drawn (inclusive range).  spacing: each choice is followed by a wait
    of a drawn number of steps in this inclusive range; (0, 0) offers all together.
    steps: the longest run.  weights: relative chance of an event to be picked, by class: the label of
    a message or input, `!name` for a timer, or the word of a fault (`crash`); 1.0 when absent.
    """

    prefix: tuple[Item, ...] = ()
    choices: tuple[Choice, ...] = ()
    items: tuple[int, int] = (0, 0)
    spacing: tuple[int, int] = (0, 0)
    postfix: tuple[Item, ...] = ()
    steps: int = 1000
    weights: Mapping[str, float] = field(default_factory=lambda: _EMPTY)
    strategy: str = "random"


@dataclass(frozen=True, slots=True)
class Bug:
    """A named, known defect.

    config: settings that switch it on.  finds: fingerprint prefix it is expected to show.
    """

    name: str
    doc: str
    config: Config
    finds: str


@dataclass(frozen=True, slots=True)
class Target:
    """A system under test.

    make(config) -> World; invariants(config); profile(config).  defaults: every setting with its
    default value (JSON scalars or lists).  conditions: names a `Wait` may use, over (view).
    selectors: names a `Nudge` may use, `select(world) -> Event | None` among enabled events.
    version(config): what is under test (a library's release), recorded in traces, "" if nothing.
    portrait(config): for targets whose nodes are interchangeable, else None; see `Portrait`.
    masks: `mask(label, payload) -> payload` for the masked step of the fingerprint ladder, or None.
    pipeline: which of the minimizer's pipelines suits it.
    clock: `clock(label, content) -> int | None`, the logical clock (term, ballot, epoch) a message carries.
    parts(config): what may be left out of the system, or None.  simpler(inputs): lists of inputs that say
    less, each input by its id; an input that is missing is left out.
    sooner(config): the configuration that judges a run from its beginning on; None where it does already.
    drawing(config, world, violation): the system where it broke, a few lines of at most 76 cells.
    hash_seed: PYTHONHASHSEED that its program needs, since it depends on hashes; "" when none matters.
    Commands go on under it, and traces record it.
    """

    name: str
    doc: str
    make: Callable[[Config], World]
    invariants: Callable[[Config], Sequence[Invariant]]
    profile: Callable[[Config], Profile]
    defaults: Config = field(default_factory=lambda: _EMPTY)
    bugs: Mapping[str, Bug] = field(default_factory=lambda: _EMPTY)
    conditions: Mapping[str, Callable[[View], bool]] = field(default_factory=lambda: _EMPTY)
    selectors: Mapping[str, Callable[[World], Any]] = field(default_factory=lambda: _EMPTY)
    version: Callable[[Config], str] = lambda config: ""
    mask: Callable[[str, Any], Any] | None = None
    pipeline: str = "default"
    clock: Callable[[str, Any], int | None] | None = None
    commutes: Callable[[str, Any, str, Any], bool] | None = None
    portrait: Callable[[Config], Portrait | None] = lambda config: None
    parts: Callable[[Config], Parts | None] = lambda config: None
    drawing: Callable[[Config, World, Violation], Sequence[str]] | None = None
    simpler: Callable[[Sequence[External]], Iterable[Sequence[External]]] | None = None
    sooner: Callable[[Config], Config | None] = lambda config: None
    hash_seed: str = ""


def configure(target: Target, bug: str = "", settings: Config = _EMPTY) -> dict[str, Any]:
    """The full configuration: defaults, then the bug's, then explicit settings; sorted keys.

    bug: a name in `target.bugs`, "" for the target's default, "none" for the defaults without a bug.
    Raises TargetError naming the nearest match for an unknown bug or setting, or a wrong type.
    """
    config = dict(target.defaults)
    if bug and bug != "none":
        known = target.bugs.get(bug) or target.bugs.get(f"{target.name}-{bug}")
        if known is None:
            raise TargetError(
                f"{target.name} has no bug {bug!r}", remedy=nearest(bug, [*target.bugs, "none"])
            )
        config.update(known.config)
    for key, value in settings.items():
        if key not in config:
            raise TargetError(f"{target.name} has no setting {key!r}", remedy=nearest(key, config))
        config[key] = _coerced(target.name, key, value, target.defaults[key])
    return {key: config[key] for key in sorted(config)}


def _coerced(target: str, key: str, value: Any, default: Any) -> Any:
    """`value` as the default's type; strings come from the command line."""
    try:
        if isinstance(value, str) and isinstance(default, bool):
            return {"true": True, "false": False, "1": True, "0": False}[value.lower()]
        if isinstance(value, str) and isinstance(default, (int, float)):
            return type(default)(value)
    except (KeyError, ValueError):
        value = repr(value)
    else:
        if type(value) is type(default) or default is None:
            return value
        if isinstance(value, int) and isinstance(default, float):
            return float(value)
    raise TargetError(
        f"setting {key!r} of {target} must be {type(default).__name__}, not {value}",
        remedy=f"the default is {default!r}",
    )


def nearest(word: str, known: Sequence[str] | Config) -> str:
    """`did you mean X? known: ...` for messages about unknown words."""
    import difflib

    close = difflib.get_close_matches(word, list(known), n=1)
    listing = "known: " + ", ".join(sorted(known))
    return f"did you mean {close[0]!r}? {listing}" if close else listing
