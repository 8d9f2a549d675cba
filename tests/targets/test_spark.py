"""The three bugs of Spark: found from any seed, shrunk below the published optimum, absent when fixed."""

from __future__ import annotations

import pytest

from demi.fuzz.hunt import Plan, hunt, matches, record_run
from demi.minimizer.minimize import minimize
from demi.scheduler.execute import Subject
from demi.target import configure
from targets.spark import TARGET

BY_HAND = {"spark-2294": 25, "spark-3150": 11, "spark-9256": 11}  # NSDI'16, table 1
SMALLEST = {  # of this model: what is left, as sorted labels
    "spark-3150": ["crash", "driver", "recovery", "restart"],
    "spark-9256": ["RegisterApplication", "RegisterApplication", "job", "retry"],
}


def plan_of(bug: str, seed: int) -> tuple[Subject, Plan]:
    config = configure(TARGET, bug)
    profile = TARGET.profile(config)
    finds = TARGET.bugs[bug].finds if bug else ""
    return Subject(TARGET, config), Plan(
        profile, profile.strategy, seed=seed, steps=600, wanted=finds
    )


@pytest.mark.parametrize("bug", BY_HAND)
@pytest.mark.parametrize("seed", [1, 1000])
def test_each_bug_is_found_and_shrunk_to_the_optimum_or_below(bug: str, seed: int) -> None:
    subject, plan = plan_of(bug, seed)
    number = next(
        n for n, outcome in hunt(subject, plan, iter(range(100))) if matches(plan, outcome)
    )
    small = minimize(subject, record_run(subject, plan, number)).trace
    assert small.deliveries <= BY_HAND[bug]
    assert small.violation is not None
    labels = [entry.name.label or entry.name.kind.name.lower() for entry in small]
    if bug in SMALLEST:
        assert sorted(label.split("-")[0] for label in labels) == SMALLEST[bug]
    assert bug != "spark-2294" or len(small) == 10


def test_the_fixed_form_breaks_nothing() -> None:
    subject, plan = plan_of("", 1)
    for _, outcome in hunt(subject, plan, iter(range(60))):
        assert outcome.violation is None


def test_jobs_come_to_their_end_in_spite_of_a_recovery() -> None:
    subject, plan = plan_of("", 5)
    finished = 0
    for _ in hunt(subject, plan, iter(range(5))):
        seen = subject.world.observe().state(1)
        assert not any(decision.passed_over for decision in seen.decisions)
        finished += len(seen.finished)
    assert finished > 3
