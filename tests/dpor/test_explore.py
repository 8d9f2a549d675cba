"""The front: verdicts, bounds, faults, bad input."""

from __future__ import annotations

import random
from typing import Any

import pytest

from demi.dpor.bounds import Bounds
from demi.dpor.explore import explore
from demi.dpor.tally import Ended
from demi.errors import ContractError, DivergenceError, UsageError
from demi.events import External, Kind, Nudge, Program, Wait, number
from demi.interpose.actor import Context, Node
from demi.interpose.world import Capabilities
from demi.oracle import Detail, StateInvariant, Verdict
from demi.scheduler.execute import Subject, record

from .helpers import agree, run
from .programs import (
    Cell,
    Made,
    Quiet,
    Relay,
    inject,
    lastzero,
    nsend_any,
    raft,
    readers,
    source,
    subject,
)
from .random_programs import Actor, random_program
from .test_properties import compare

A, B = ("A",), ("B",)


def last_is(word: str, node: int = 0) -> StateInvariant:
    """Broken when the node's last label is `word`."""

    def look(view: Any) -> Detail | None:
        state = view.state(node)
        bad = state is not None and dict(state).get("last") == word
        return Detail((view.names[node],), f"last is {word}") if bad else None

    return StateInvariant("Last", "", look)


def table(**rules: dict[tuple[str, str], Any]) -> dict[str, Any]:
    return {name: (lambda given=given: Actor(given, True)) for name, given in rules.items()}


def test_a_violation_is_a_schedule_that_records() -> None:
    nodes = table(A={("a", "b"): [("send", "B", "c")]}, B={})
    made: Made = (nodes, inject(("A", "a"), ("A", "b"), ("B", "a")), None)
    target, program = subject(made, invariants=[last_is("c", 1)])
    result = explore(target, program)
    assert (result.verdict, result.ended) == (Verdict.VIOLATED, Ended.VIOLATION)
    ((violation, choices),) = result.violations
    trace = record(target, choices, 0, strategy="explore")
    assert trace.footer.violation is not None
    assert trace.footer.violation.fingerprint == violation.fingerprint == "Last"
    assert violation.step == len(choices) - 1


def test_a_raising_handler_is_a_crash_violation() -> None:
    made: Made = (table(A={("b", "a"): [("raise",)]}), inject(("A", "a"), ("A", "b")), None)
    target, program = subject(made)
    result = explore(target, program, keep=0)
    assert [v.fingerprint for v, _ in result.violations] == ["crash/RuntimeError@react"]
    assert result.executions == 2
    assert not result.complete or result.verdict is Verdict.VIOLATED


def test_exhausted_and_complete() -> None:
    target, program = subject(raft(3, 2))
    result = explore(target, program)
    assert (result.verdict, result.complete, result.limit) == (Verdict.EXHAUSTED, True, "")
    assert (result.executions, result.classes, result.algorithm) == (258, 258, "source")
    assert result.model == "fifo, timers free"


def test_auto_moves_to_optimal() -> None:
    target, program = subject(lastzero(7))
    result = explore(target, program)
    assert (result.algorithm, result.executions, result.blocked) == ("optimal", 320, 0)
    assert "runs of source were blocked" in result.why


def test_budgets_of_the_search() -> None:
    target, program = subject(nsend_any(5))
    result = explore(target, program, max_executions=10)
    assert (result.verdict, result.complete) == (Verdict.NOT_FOUND, False)
    assert (result.executions, result.limit) == (10, "max_executions")


def test_progress_estimates_the_rest() -> None:
    target, program = subject(nsend_any(6))
    seen: list[Any] = []
    explore(target, program, progress=seen.append)
    assert seen and all(0 < one.share <= 1 for one in seen)
    assert 360 <= seen[len(seen) // 2].estimate <= 1440


FAULTY: dict[str, Made] = {
    "crash": (table(A={}), (*inject(("A", "a"), ("A", "b")), External(Kind.CRASH, A)), None),
    "crash and restart": (
        table(A={}, B={("a", "*"): [("send", "A", "b")]}),
        (*inject(("B", "a"), ("A", "c")), External(Kind.CRASH, A), External(Kind.RESTART, A)),
        None,
    ),
    "two crashes": (
        table(A={("a", "*"): [("send", "B", "b")]}, B={}),
        (*inject(("A", "a")), External(Kind.CRASH, A), External(Kind.CRASH, B)),
        None,
    ),
    "timer": (table(A={("a", "*"): [("arm", "t")]}), inject(("A", "a"), ("A", "b")), None),
    "timer cancelled": (
        table(A={("a", "*"): [("arm", "t")], ("b", "*"): [("cancel", "t")]}),
        inject(("A", "a"), ("A", "b"), ("A", "c")),
        None,
    ),
    "timer armed twice": (
        table(A={("a", "*"): [("arm", "t")]}), inject(("A", "a"), ("A", "a"), ("A", "b")), None,
    ),
    "timers of two nodes": (
        table(A={("a", "*"): [("arm", "t")], ("!t", "*"): [("send", "B", "c")]},
              B={("a", "*"): [("arm", "t")]}),
        inject(("A", "a"), ("B", "a")),
        None,
    ),
    "timer and crash": (
        table(A={("a", "*"): [("arm", "t")], ("!t", "*"): [("send", "B", "c")]}, B={}),
        (*inject(("A", "a"), ("B", "b")), External(Kind.CRASH, A), External(Kind.RESTART, A)),
        None,
    ),
    "cut": (
        table(A={("a", "*"): [("send", "B", "b")]}, B={("b", "*"): [("send", "A", "c")]}),
        (*inject(("A", "a")), External(Kind.CUT, ("A", "B"))),
        None,
    ),
    "cut and heal": (
        table(A={("a", "*"): [("send", "B", "b")]}, B={("b", "*"): [("send", "A", "c")]}),
        (*inject(("A", "a"), ("A", "a")), External(Kind.CUT, ("A", "B")),
         External(Kind.HEAL, ("A", "B"))),
        None,
    ),
    "one-way cut": (
        table(A={("a", "*"): [("send", "B", "b")]}, B={("b", "*"): [("send", "A", "c")]}),
        (*inject(("A", "a")), External(Kind.CUT, ("B", "A"), one_way=True)),
        None,
    ),
    "drop": (
        table(A={("a", "*"): [("send", "B", "b")], ("b", "*"): [("send", "B", "c")]}, B={}),
        (*inject(("A", "a"), ("A", "b")), External(Kind.DROP, ("A", "B"))),
        None,
    ),
    "two drops": (
        table(A={("a", "*"): [("send", "B", "b"), ("send", "B", "c")]}, B={}),
        (*inject(("A", "a"), ("B", "d")), External(Kind.DROP, ("A", "B")),
         External(Kind.DROP, ("A", "B"))),
        None,
    ),
    "duplicate": (
        table(A={("a", "*"): [("send", "B", "b")], ("b", "*"): [("send", "B", "c")]}, B={}),
        (*inject(("A", "a"), ("A", "b")), External(Kind.DUPLICATE, ("A", "B"))),
        None,
    ),
    "forward": (
        table(A={("b", "*"): [("forward", "c")]}, B={("a", "*"): [("send", "A", "b")]}),
        inject(("B", "a"), ("B", "a"), ("A", "d")),
        None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTY)
def test_faults_and_timers_equal_brute_force(name: str) -> None:
    assert agree(FAULTY[name]) > 1


@pytest.mark.parametrize("network", ["bag", "causal", "mailbox"])
@pytest.mark.parametrize("name", [name for name in FAULTY if name != "forward"])
def test_faults_over_other_networks(name: str, network: str) -> None:
    agree(FAULTY[name], network=network)


def bounded(seed: int) -> bool:
    draw = random.Random(seed)
    network = draw.choice(["fifo", "fifo", "bag", "causal", "mailbox"])
    made = random_program(seed, timers=True, faults=True, externals=3)
    bounds = Bounds(
        steps=draw.choice([None, None, 4, 6]), crashes=draw.choice([None, 0, 1]),
        drops=draw.choice([None, 0, 1]), timers=draw.choice([None, 0, 1, 2]),
        timers_per_node=draw.choice([None, None, 1]),
    )  # fmt: skip
    return compare(made, network, bounds)


def test_bounds_lose_no_class_within_them() -> None:
    assert sum(bounded(seed) for seed in range(60)) > 40


@pytest.mark.slow
def test_bounds_lose_no_class_within_them_at_length() -> None:
    assert sum(bounded(seed) for seed in range(60, 700)) > 450


def test_a_used_up_total_competes_with_what_never_became_possible() -> None:
    """A's timer uses the only firing; B's is armed later and is never enabled in that order."""
    rules = {("a", "*"): [("arm", "t")], ("!t", "*"): [("send", "C", "c")]}
    made: Made = (table(A=rules, B=rules, C={}), inject(("A", "a"), ("B", "a")), None)
    assert agree(made, bounds=Bounds(timers=1)) == 2


def test_a_bound_that_bit_is_named() -> None:
    rules = {("a", "*"): [("arm", "t")]}
    made: Made = (table(A=rules), (*inject(("A", "a")), External(Kind.CRASH, A)), None)
    result, _ = run(made, "source", bounds=Bounds(timers=0, crashes=0, drops=3))
    assert (result.verdict, result.complete) == (Verdict.EXHAUSTED, False)
    assert result.limit == "crashes, timers"
    assert result.bounds == "crashes 0, drops 3, timers 0"


def test_a_bound_that_leaves_nothing_is_stated() -> None:
    result, _ = run(
        ((table(A={})), (External(Kind.CRASH, A),), None), "source", bounds=Bounds(crashes=0)
    )
    assert result.limit == "crashes"
    assert any("nothing is enabled" in note for note in result.notes)


def test_an_endless_target_is_cut_and_says_so() -> None:
    class Endless(Node):
        def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
            ctx.send(ctx.name, ("again",))

    result, _ = run(({"A": Endless}, inject(("A", "a")), None), "source")
    assert (result.complete, result.cut, result.limit) == (False, 1, "steps")


def test_a_lying_hook_is_caught() -> None:
    made: Made = (
        {"x": lambda: Cell(0), "s1": source(("x", ("w", 1))), "s2": source(("x", ("w", 2)))},
        (),
        lambda *messages: True,
    )
    for algorithm in ("source", "optimal"):
        target, program = subject(made)
        with pytest.raises(ContractError, match="commutes is wrong"):
            explore(target, program, algorithm=algorithm)


def test_the_hook_can_be_left_out_and_is_ignored_over_causal() -> None:
    assert len(run(readers(2), "source", use_commutes=False)[1].ids) == 6
    result, seen = run(readers(2), "source", network="causal")
    assert len(seen.ids) == 6
    assert any("commutes is ignored" in note for note in result.notes)


def test_a_nondeterministic_target_is_refused() -> None:
    flips = iter(range(1000))

    class Fickle(Node):
        def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
            self.got = next(flips)

    target, program = subject(({"A": Fickle}, inject(("A", "a")), None))
    with pytest.raises(DivergenceError, match="does not repeat"):
        explore(target, program)


def test_nodes_that_share_state_are_refused() -> None:
    shared: list[int] = []

    class Sharing(Node):
        def __init__(self) -> None:
            shared.clear()
            self.box = shared

        def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
            self.box.append(1)

    target, program = subject(({"A": Sharing, "B": Sharing}, inject(("A", "a")), None))
    target.world.capabilities = Capabilities()  # no checkpoints: they would take the nodes apart
    with pytest.raises(ContractError, match="changed B"):
        explore(target, program)


def test_bad_requests() -> None:
    target, program = subject(nsend_any(2))
    with pytest.raises(UsageError, match="unknown algorithm"):
        explore(target, program, algorithm="magic")
    with pytest.raises(UsageError, match="nudge"):
        explore(target, Program((Nudge("x"),)))
    with pytest.raises(UsageError, match="negative"):
        Bounds(steps=-1)
    with pytest.raises(UsageError, match="delays"):
        explore(target, program, algorithm="source", bounds=Bounds(delays=1))
    assert "waits" in explore(target, Program((Wait(5),))).notes[0]
    with pytest.raises(DivergenceError, match="beginning"):
        explore(target, program, prefix=[(0, 0, 0, 7)])


@pytest.mark.parametrize("algorithm", ["source", "optimal", "classic", "naive"])
def test_re_execution_gives_the_same(algorithm: str) -> None:
    for made in (raft(3, 1), FAULTY["crash and restart"], FAULTY["drop"]):
        target, program = subject(made)
        expected = [explore(target, program, algorithm=algorithm, keep=0)]
        target.world.capabilities = Capabilities()
        expected.append(explore(target, program, algorithm=algorithm, keep=0))
        assert expected[0].executions == expected[1].executions


def test_around_a_prefix() -> None:
    target, program = subject(nsend_any(4))
    assert explore(target, program, prefix=[(0, 0, 1, 0), (0, 0, 3, 0)]).executions == 2
    made: Made = (table(A={}), (), None)
    first, second = number(inject(("A", "a"), ("A", "b")))
    target, program = subject(made, invariants=[last_is("b")])
    result = explore(target, Program((second,)), prefix=[first])
    assert result.violations[0][1] == (first, second)


def test_global_properties_need_the_wider_relation() -> None:
    """Two nodes that each raise a flag and lower it: both flags up at once is one global moment."""

    class Flag(Node):
        up = 0

        def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
            self.up = 1 if msg[0] == "up" else 0
            if self.up:
                ctx.send(ctx.name, ("down",))

    def look(view: Any) -> Detail | None:
        return Detail((), "both") if all(dict(view.state(n)).get("up") for n in (0, 1)) else None

    made: Made = ({"A": Flag, "B": Flag}, inject(("A", "up"), ("B", "up")), None)
    target, program = subject(made, invariants=[StateInvariant("Both", "", look)])
    first_up = lambda events: events[0]  # noqa: E731
    result = explore(target, program, sound_for="global", first=first_up, keep=0)
    assert result.verdict is Verdict.VIOLATED
    assert result.executions == 6  # orders of up, down at A with up, down at B
    alone = explore(target, program, keep=0, algorithm="source")
    assert (alone.executions, alone.sound) == (1, False)
    assert "at one moment" in alone.notes[0]
    chosen = explore(target, program, keep=0)  # classes were explored to the end; then as states
    assert (chosen.algorithm, chosen.verdict, chosen.sound) == ("stateful", Verdict.VIOLATED, True)
    made_local = StateInvariant("Both", "", look, local=True)  # a promise: classes are then enough
    target.invariants = (made_local,)
    trusted = explore(target, program, keep=0)
    assert (trusted.algorithm, trusted.sound) == ("source", True)


def test_delay_bounded_series() -> None:
    series = {
        "writer first": (readers(6), [1, 2, 8, 23, 43, 58, 64]),
        "writer last": (readers(6, writer_first=False), [1, 7, 22, 42, 57, 63, 64]),
        "writers": (nsend_any(6), [1, 6, 20, 49, 98, 169]),
    }
    for made, expected in series.values():
        target, program = subject(made)
        found = [
            explore(target, program, bounds=Bounds(delays=d), keep=0).classes
            for d in range(len(expected))
        ]
        assert found == expected


def test_quiet_programs() -> None:
    result, _ = run(({"A": Quiet, "B": lambda: Relay(1)}, (), None), "source")
    assert (result.executions, result.depth) == (1, 0)


def test_the_subject_survives() -> None:
    target, program = subject(nsend_any(3))
    assert isinstance(target, Subject)
    assert [explore(target, program).executions for _ in range(3)] == [6, 6, 6]
