"""Payloads get smaller; the events and the violation stay."""

from __future__ import annotations

from typing import Any

import pytest
from systems import inject, never, program, subject_of

from demi.errors import TargetError
from demi.interpose.actor import Context, Node
from demi.interpose.actor_world import ActorWorld
from demi.minimizer.budget import Budget
from demi.minimizer.minimize import first_run, minimize
from demi.minimizer.payload import candidates, shrink_payloads
from demi.minimizer.problem import Problem

from .test_minimize import recorded


class Basket(Node):
    """Keeps what it gets; full above ten."""

    def on_start(self, ctx: Context) -> None:
        self.weight = 0
        self.names: list[str] = []

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        self.weight += msg["weight"]
        self.names += msg["names"]


def put(args: Any) -> Any:
    if not isinstance(args, dict) or "weight" not in args:
        raise TargetError('"put" needs a weight')
    return {"weight": args["weight"], "names": args.get("names", [])}


def make() -> ActorWorld:
    return ActorWorld({"basket": Basket}, inputs={"put": put})


def test_what_does_not_matter_leaves_and_numbers_go_down_to_what_does() -> None:
    subject = subject_of(make, never(lambda view: view.state(0)["weight"] > 10))
    items = program(inject("basket", "put", {"weight": 100, "names": ["a", "b"], "note": "c17"}))
    report = minimize(subject, recorded(subject, 0, items))
    (entry,) = report.trace.entries
    assert entry.msg == {"weight": 12}  # half of it would be six
    assert report.verified == 3


def test_texts_with_numbers_stay_different() -> None:
    subject = subject_of(make, never(lambda view: len(set(view.state(0)["names"])) > 1))
    items = program(inject("basket", "put", {"weight": 0, "names": ["c137", "x", "c90"]}))
    original = recorded(subject, 0, items)
    problem = Problem(subject, original, first_run(subject, original), Budget())
    small = shrink_payloads(problem, problem.best)
    (want,) = small.plan
    assert want.external is not None
    assert want.external.args == {"weight": 0, "names": ["", "c1"]}


def test_a_target_that_refuses_a_payload_is_not_asked_twice_for_it() -> None:
    """Without `weight` the input is refused: that candidate is wrong, not smaller."""
    subject = subject_of(
        make, never(lambda view: view.state(0)["weight"] >= 0 and view.state(0)["names"])
    )
    original = recorded(subject, 0, program(inject("basket", "put", {"weight": 5, "names": ["a"]})))
    problem = Problem(subject, original, first_run(subject, original), Budget())
    (want,) = shrink_payloads(problem, problem.best).plan
    assert want.external is not None
    assert want.external.args == {"weight": 0, "names": [""]}


@pytest.mark.parametrize("value", [None, True, 0, "", [], {}])
def test_the_smallest_values_have_no_smaller(value: Any) -> None:
    assert not list(candidates(value, []))


def test_every_candidate_differs_and_an_end_is_reached() -> None:
    seen = 0
    stack: list[Any] = [{"a": [1, "c12", {"b": 3.5}], "t": "text"}]
    while stack and seen < 10_000:
        value = stack.pop()
        seen += 1
        following = list(candidates(value, ["c12"]))
        assert value not in following
        stack += following[:2]
    assert not stack
