"""From the words of a command to a hunt that is ready to start.

The one insight: everything that can be wrong with the words is refused here, before anything runs, and
the words that make the same runs again are kept beside the plan, so every ending can say them.

Not here: running it (`hunting.py`), its last words (`ending.py`), options (`fuzz.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from demi.cli.loading import Loaded
from demi.cli.session import Session, check_expected, draw_seed, make_subject
from demi.cli.values import DEFAULTS, Settings

if TYPE_CHECKING:
    from demi.fuzz.hunt import Plan
    from demi.scheduler.execute import Subject


@dataclass(frozen=True, slots=True)
class Hunt:
    """A hunt that is ready to start.  words: options that make the same runs again,
    but for seed and strategy.  ui: show it on a full screen.
    """

    loaded: Loaded
    settings: Settings
    config: dict[str, Any]
    subject: Subject
    plan: Plan
    bug: str
    words: tuple[str, ...]
    ui: bool = False


def prepare(
    session: Session,
    loaded: Loaded,
    settings: Settings,
    bug: str = "",
    sets: list[str] | None = None,
    expect: str = "",
) -> Hunt:
    """From words to a plan.  Raises UsageError and TargetError before anything runs."""
    from demi.fuzz.hunt import Plan
    from demi.scheduler.registry import make_strategy

    target = loaded.target
    config = session.config(loaded, bug, sets or [])
    subject = make_subject(target, config)
    known = target.bugs.get(bug) or target.bugs.get(f"{target.name}-{bug}")
    wanted = expect or (known.finds if known else "")
    check_expected(wanted, subject)
    profile = target.profile(config)
    profile = replace(profile, steps=settings.steps or profile.steps)
    strategy = settings.strategy or profile.strategy
    make_strategy(strategy, profile, settings.depth)  # refuses an unknown one now
    plan = Plan(
        profile, strategy, settings.depth, draw_seed(settings), profile.steps, wanted,
        settings.min_deliveries,
    )  # fmt: skip
    words = [*(["--bug", bug] if bug else []), *(w for s in sets or [] for w in ("--set", s))]
    words += ["--expect", expect] if expect else []
    for key in ("depth", "steps", "min_deliveries"):
        if getattr(settings, key) != getattr(DEFAULTS, key):
            words += ["--" + key.replace("_", "-"), str(getattr(settings, key))]
    return Hunt(loaded, settings, config, subject, plan, bug, tuple(words))
