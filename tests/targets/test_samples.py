"""W0 and W1: what breaks in which order, and who finds it."""

from __future__ import annotations

import statistics

from demi.fuzz.hunt import Plan, hunt, matches, record_run
from demi.minimizer.budget import Budget
from demi.minimizer.certify import WITHIN_BOUND, minimality
from demi.minimizer.minimize import minimize
from demi.scheduler.execute import Subject
from demi.target import Target, configure
from targets.samples.bank import W0, W1


def first(target: Target, strategy: str, seed: int, runs: int) -> int | None:
    """The number of the first run, from 1, that breaks it."""
    subject, plan = ready(target, strategy, seed)
    for number, outcome in hunt(subject, plan, iter(range(runs))):
        if matches(plan, outcome):
            return number + 1
    return None


def ready(target: Target, strategy: str, seed: int) -> tuple[Subject, Plan]:
    config = configure(target)
    profile = target.profile(config)
    return Subject(target, config), Plan(profile, strategy, seed=seed, steps=profile.steps)


def test_w1_holds_in_the_plain_order_and_pct_finds_it_within_ten_runs() -> None:
    assert first(W1, "fifo", 1, 1) is None
    needed = [first(W1, "pct", seed * 1000, 200) for seed in range(15)]
    assert statistics.median(n for n in needed if n is not None) <= 10, needed
    assert None not in needed


def test_w1_is_shrunk_to_the_calls_that_meet() -> None:
    subject, plan = ready(W1, "pct", 0)
    number = next(
        n for n, outcome in hunt(subject, plan, iter(range(200))) if matches(plan, outcome)
    )
    report = minimize(subject, record_run(subject, plan, number))
    assert report.replays <= 150  # all of them, those of the certificate too
    small = report.trace
    chatter = [entry.id for entry in small if "chatter" in entry.id]
    assert not chatter
    assert len(small) == 2 * (4 + 16)  # what matters of client0 and all of client1, with replies
    assert minimality(small) == WITHIN_BOUND
    assert small.footer is not None
    named = small.footer.extra["explanation"]["races"]
    assert 1 <= len(named) <= 2
    for race in named:  # a call of one client against a call of the other
        assert race["node"] == "server" and race["result"] == "no violation"
        assert {race["first"].split(">")[0], race["second"].split(">")[0]} == {"client0", "client1"}


def test_w0_keeps_no_chatter_and_its_calls_in_the_plain_order_break() -> None:
    subject, plan = ready(W0, "random", 0)
    number = next(n for n, outcome in hunt(subject, plan, iter(range(9))) if matches(plan, outcome))
    small = minimize(subject, record_run(subject, plan, number), budget=Budget(replays=600)).trace
    assert not [entry.id for entry in small if "chatter" in entry.id]
    assert len(small) == 88  # the invariant waits for every call that is no ping, and its reply
    assert first(W0, "fifo", 1, 1) == 1


def test_w0_breaks_in_most_orders() -> None:
    found = [first(W0, "random", seed * 1000, 5) for seed in range(5)]
    assert None not in found
