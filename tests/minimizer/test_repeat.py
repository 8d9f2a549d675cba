"""The repeat oracle: rates with intervals, majorities, and a flaky system shrunk in spite of it."""

from __future__ import annotations

import random
from typing import Any

import pytest

from demi.errors import DivergenceError
from demi.events import External, Kind, Program
from demi.interpose.actor import Context, Node
from demi.interpose.actor_world import ActorWorld
from demi.minimizer.repeat import MEASURED, Rate, minimize_repeated, rate_of
from demi.oracle import Detail, StateInvariant, View
from demi.scheduler.execute import Choices, Subject, execute, record
from demi.scheduler.fifo import Fifo
from demi.target import Profile, Target
from demi.trace import Trace

INPUTS = 12


def flaky(chance: float) -> Target:
    """Two inputs of the twelve break it together, but only with `chance`: a coin outside our reach."""
    coin = random.Random(7)

    class Box(Node):
        def __init__(self) -> None:
            self.seen: tuple[int, ...] = ()
            self.broken = False

        def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
            self.seen += (msg,)
            if msg == 9 and 4 in self.seen:
                self.broken = coin.random() < chance

    def look(view: View) -> Detail | None:
        return Detail(("box",), "broken") if view.state(0)["broken"] else None

    return Target(
        name="flaky",
        doc="a coin decides",
        make=lambda config: ActorWorld({"box": Box}, inputs={"put": lambda args: args["n"]}),
        invariants=lambda config: [StateInvariant("Whole", "not broken", look)],
        profile=lambda config: Profile(),
    )


def failing(subject: Subject) -> Trace:
    """A recorded run that fails; the coin is thrown until it and its record do."""
    items = tuple(External(Kind.INJECT, ("box",), "put", {"n": n}, n + 1) for n in range(INPUTS))
    for _ in range(200):
        choices = Choices(subject.world)
        execute(subject, Fifo(), 1, program=Program(items), observer=choices)
        try:
            trace = record(subject, choices.taken, 1, strategy="fifo")
        except DivergenceError:  # the record broke earlier than the run
            continue
        if trace.violation is not None:
            return trace
    raise AssertionError("the coin never fell")


def test_wilson_intervals() -> None:
    assert Rate(7, 10).text == "7 of 10 (40-89 %)"
    assert Rate(0, 10).text == "0 of 10 (0-28 %)"
    assert Rate(20, 20).text == "20 of 20 (84-100 %)"
    assert Rate(0, 0).interval == (0.0, 1.0)


def test_a_flaky_failure_is_shrunk_to_what_makes_it_likely() -> None:
    subject = Subject(flaky(0.85), {})
    report, rate = minimize_repeated(subject, failing(subject), 5)
    assert [entry.msg["n"] for entry in report.trace] == [4, 9]
    assert report.trace.violation is not None
    assert rate.tries == MEASURED
    assert rate.interval[0] < 0.85 < rate.interval[1]
    assert report.verified == 0  # nothing is claimed that needs exact replay


def test_a_failure_by_chance_is_refused_with_its_rate() -> None:
    subject = Subject(flaky(0.1), {})
    with pytest.raises(DivergenceError, match=r"in \d of 9 \(\d+-\d+ %\) runs only"):
        minimize_repeated(subject, failing(subject), 9)


def test_an_exact_system_needs_only_the_majority() -> None:
    subject = Subject(flaky(1.0), {})
    trace = failing(subject)
    report, rate = minimize_repeated(subject, trace, 5)
    assert len(report.trace) == 2
    assert (rate.hits, rate_of(subject, trace, 3, "Whole").hits) == (MEASURED, 3)
    accepted = [stage for stage in report.stages if stage.after < stage.before]
    assert accepted
    assert report.replays % 3 == 0  # three equal answers decide, either way


def test_every_better_run_of_a_flaky_target_is_handed_over() -> None:
    """A killed process leaves the best: the last one that was handed over is as small as the result."""
    subject = Subject(flaky(1.0), {})
    kept: list[Trace] = []
    original = failing(subject)
    report, _ = minimize_repeated(subject, original, 3, keep=kept.append)
    sizes = [len(trace) for trace in kept]
    assert sizes and sizes == sorted(sizes, reverse=True) and sizes[0] < len(original)
    assert sizes[-1] == len(report.trace) == 2
    assert all(trace.violation is not None for trace in kept)


class Spoilt(Node):
    """It may break in two ways."""

    def __init__(self) -> None:
        self.seen: tuple[int, ...] = ()

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        self.seen += (msg,)


def spoilt(least: int) -> Target:
    """Broken by `least` numbers with a 3 before the 9, another bug by a 9 without it."""

    def look(view: View) -> Detail | None:
        seen = view.state(0)["seen"]
        if 9 in seen and 3 not in seen:
            return Detail(("box",), "no 3", "easy")
        return Detail(("box",), "full", "hard") if len(seen) >= least and 3 in seen else None

    return Target(
        name="spoilt",
        doc="two bugs",
        make=lambda config: ActorWorld({"box": Spoilt}, inputs={"put": lambda args: args["n"]}),
        invariants=lambda config: [StateInvariant("Whole", "not broken", look)],
        profile=lambda config: Profile(),
    )


def test_a_trace_that_breaks_earlier_than_recorded() -> None:
    """The invariant became stricter."""
    original = failing(Subject(spoilt(12), {}))
    assert original.violation is not None
    same, _ = minimize_repeated(Subject(spoilt(12), {}), original, 3)
    assert same.unread == 0
    report, _ = minimize_repeated(Subject(spoilt(6), {}), original, 3)
    assert report.unread == 6 * (len(original) // 12)
    assert len(report.trace) == 6


def test_another_violation_is_kept_as_a_trace_of_its_own() -> None:
    subject = Subject(spoilt(12), {})
    report, _ = minimize_repeated(subject, failing(subject), 3)
    assert list(report.others) == ["Whole/easy"]
    other = report.others["Whole/easy"]
    assert other.violation is not None and other.violation.fingerprint == "Whole/easy"
    assert 3 not in [entry.msg["n"] for entry in other if entry.is_external]
