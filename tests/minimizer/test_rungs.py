"""The upper rungs of the oracle: what each finds that the one below does not, what it costs, who counts."""

from __future__ import annotations

from typing import Any

import pytest
from systems import inject, never, program, subject_of

from demi.cli.rungs import LADDER, rungs_up_to, search
from demi.errors import UsageError
from demi.events import Wait
from demi.interpose.actor import Context, Node
from demi.interpose.actor_world import ActorWorld
from demi.minimizer.budget import Budget, BudgetSpent
from demi.minimizer.minimize import first_run, minimize
from demi.minimizer.problem import Problem
from demi.minimizer.rungs import PEEK, Peeking, Searched, Unexpected
from demi.scheduler.execute import Subject
from demi.trace import Trace

from .test_minimize import check, recorded


class Chain(Node):
    """`go` at a makes it send to b, which sends to c; `noise` does nothing."""

    def on_start(self, ctx: Context) -> None:
        self.hit = False

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        if msg[0] == "go":
            ctx.send("b", "one")
        elif msg == "one":
            ctx.send("c", "two")
        elif msg == "two":
            self.hit = True


def chain() -> tuple[Subject, Trace]:
    """A failing run: go, one, two among some noise."""
    names = ("a", "b", "c")
    subject = subject_of(
        lambda: ActorWorld(dict.fromkeys(names, Chain)),
        never(lambda view: bool(view.state(2) and view.state(2)["hit"])),
    )
    items = program(inject("a", "noise"), inject("b", "noise"), Wait(steps=2), inject("a", "go"))
    original = recorded(subject, 0, items)
    assert original.violation is not None and len(original) == 5
    return subject, original


def ready() -> Problem:
    subject, original = chain()
    return Problem(subject, original, first_run(subject, original), Budget())


def named(problem: Problem, *names: str) -> tuple[Any, ...]:
    """The events of the original with these labels."""
    found = [want for want in problem.first.plan if want.label in names]
    assert len(found) == len(names)
    return tuple(found)


def test_a_message_that_nobody_asked_for_is_let_through_where_it_is_waited_for() -> None:
    problem = ready()
    plan = named(problem, "go", "two")
    assert problem.trial(plan).run is None
    run = Unexpected().ask(problem, plan)
    assert run is not None
    assert [want.label for want in run.plan] == ["go", "one", "two"]
    assert problem.best is run and problem.replays == 2


def test_without_a_message_to_wait_for_nothing_is_let_through() -> None:
    problem = ready()
    assert Unexpected().ask(problem, named(problem, "go")) is None


def test_what_was_looked_at_in_vain_leaves_no_mark() -> None:
    """The look ahead takes steps; a candidate it cannot save runs as if it had not been."""
    problem = ready()
    (two,) = named(problem, "two")
    plan = (two, *named(problem, "go"))
    strategy = Peeking(plan)
    trial = problem.attempt(strategy)
    assert trial.run is None and trial.absent == (0,)
    assert problem.subject.world.in_flight(1, 0), "`one` is still on its way"
    assert PEEK == 10


def test_a_search_goes_on_from_what_the_candidate_could_do() -> None:
    problem = ready()
    plan = named(problem, "go")
    rung = Searched(search)
    before = problem.replays
    run = rung.ask(problem, plan)
    assert run is not None
    assert [want.label for want in run.plan] == ["go", "one", "two"]
    assert problem.replays - before >= 2, "its executions are counted"


def test_a_search_looks_for_shorter_runs_only() -> None:
    problem = ready()
    problem.test(named(problem, "go", "one", "two"))
    assert len(problem.best.plan) == 3
    assert Searched(search).ask(problem, named(problem, "go")) is None


def test_the_executions_of_a_search_are_paid_from_the_budget() -> None:
    subject, original = chain()
    problem = Problem(subject, original, first_run(subject, original), Budget(replays=1))
    with pytest.raises(BudgetSpent):
        Searched(search).ask(problem, named(problem, "go"))
    assert len(problem.best.plan) == 3, "what it found is kept"


@pytest.mark.parametrize("name", LADDER)
def test_the_report_says_what_each_rung_accepted(name: str) -> None:
    subject, original = chain()
    report = minimize(subject, original, rungs=rungs_up_to(name))
    assert len(check(subject, original, report)) == 3
    assert report.accepted["lenient"] > 0
    assert set(report.accepted) <= set(LADDER[: LADDER.index(name) + 1])


def test_an_unknown_rung_is_refused() -> None:
    with pytest.raises(UsageError, match="no oracle 'serch'") as caught:
        rungs_up_to("serch")
    assert "search" in caught.value.remedy
