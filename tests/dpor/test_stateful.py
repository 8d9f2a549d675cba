"""Stateful search: unique states, transitions and depths of published models, and agreement with DPOR."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest

from demi.dpor.bounds import Bounds
from demi.dpor.explore import explore
from demi.errors import ContractError
from demi.events import Event, External, Kind, Program, number
from demi.interpose.actor import Context, Node
from demi.interpose.canon import renamed
from demi.interpose.world import Capabilities, Step
from demi.oracle import Detail, StateInvariant, Verdict
from demi.scheduler.execute import Subject, record
from demi.target import Profile, Target
from targets.raft import picture

from .programs import inject, lastzero, nsend_any, raft, source, subject
from .random_programs import random_program

DELIVER = int(Kind.DELIVER)


class OneView:
    """A view of a single state."""

    names = ("all",)
    touched = (0,)

    def __init__(self, world: Model) -> None:
        self.world = world

    def state(self, node: int) -> Any:
        return self.world.now


class Model:
    """A World from a transition function: `moves(state) -> {name: next state}`."""

    names = ("all",)
    capabilities = Capabilities(checkpoint=True)

    def __init__(self, start: Any, moves: Any) -> None:
        self.start, self.moves, self.now = start, moves, start

    def reset(self, seed: int) -> Step:
        self.now = self.start
        return Step((int(Kind.START), -1, -1, 0))

    def offer(self, externals: Sequence[External]) -> list[Event]:
        return []

    def enabled(self) -> list[Event]:
        self.known = sorted(self.moves(self.now).items())
        return [(DELIVER, 0, 0, i) for i in range(len(self.known))]

    def allowed(self, event: Event) -> bool:
        return event in self.enabled()

    def take(self, event: Event) -> Step:
        self.now = sorted(self.moves(self.now).items())[event[3]][1]
        return Step(event)

    def observe(self) -> OneView:
        return OneView(self)

    def digest(self) -> Any:
        return self.now

    def checkpoint(self) -> Any:
        return self.now

    def restore(self, saved: Any) -> None:
        self.now = saved


def model(start: Any, moves: Any, invariants: Sequence[Any] = ()) -> Subject:
    target = Target(
        "model", "", lambda config: Model(start, moves),  # type: ignore[arg-type,return-value]
        lambda config: invariants, lambda config: Profile(),
    )  # fmt: skip
    return Subject(target, {})


def two_phase(n: int) -> Subject:
    """Stateright's two-phase commit: a set of messages, never removed."""

    def moves(state: Any) -> dict[Any, Any]:
        rms, tm, prepared, sent = state
        found: dict[Any, Any] = {}
        for r in range(n):

            def put(value: str, r: int = r) -> Any:
                return (*rms[:r], value, *rms[r + 1 :])

            if tm == "init" and ("prepared", r) in sent:
                found["rcv", r] = (rms, tm, prepared | {r}, sent)
            if rms[r] == "working":
                found["prepare", r] = (put("prepared"), tm, prepared, sent | {("prepared", r)})
                found["choose abort", r] = (put("aborted"), tm, prepared, sent)
            if "commit" in sent:
                found["rcv commit", r] = (put("committed"), tm, prepared, sent)
            if "abort" in sent:
                found["rcv abort", r] = (put("aborted"), tm, prepared, sent)
        if tm == "init" and len(prepared) == n:
            found["commit", n] = (rms, "committed", prepared, sent | {"commit"})
        if tm == "init":
            found["abort", n] = (rms, "aborted", prepared, sent | {"abort"})
        return found

    return model((("working",) * n, "init", frozenset(), frozenset()), moves)


@pytest.mark.parametrize(
    ("n", "states", "generated", "depth"),
    [
        (1, 12, 20, 5),
        (2, 56, 154, 8),
        (3, 288, 1146, 11),
        (4, 1568, 8258, 14),
        (5, 8832, 58146, 17),
    ],
)
def test_two_phase_commit(n: int, states: int, generated: int, depth: int) -> None:
    result = explore(two_phase(n), Program(), algorithm="stateful")
    assert (result.states, result.transitions + 1, result.depth + 1) == (states, generated, depth)
    assert (result.verdict, result.complete) == (Verdict.EXHAUSTED, True)


def register(servers: int, clients: int, invariants: Sequence[Any] = ()) -> Subject:
    """Stateright's single-copy register without its history: Put, then Get, against `servers`."""

    def moves(state: Any) -> dict[Any, Any]:
        values, waits, network = state
        found: dict[Any, Any] = {}
        for message in set(network):
            src, dst, kind, ident, value = message
            rest = list(network)
            rest.remove(message)
            if dst < servers:
                if kind == "put":
                    after = (*values[:dst], value, *values[dst + 1 :])
                    rest.append((dst, src, "putok", ident, ""))
                else:
                    after = values
                    rest.append((dst, src, "getok", ident, values[dst]))
                found[message] = (after, waits, tuple(sorted(rest)))
                continue
            c = dst - servers
            if waits[c] != ident:
                continue
            wait = 2 * dst if kind == "putok" else -1
            if kind == "putok":
                rest.append((dst, (dst + 1) % servers, "get", 2 * dst, ""))
            found[message] = (values, (*waits[:c], wait, *waits[c + 1 :]), tuple(sorted(rest)))
        return found

    ids = range(servers, servers + clients)
    puts = sorted((c, c % servers, "put", c, chr(ord("A") + k)) for k, c in enumerate(ids))
    return model((("",) * servers, tuple(ids), tuple(puts)), moves, invariants)


def test_single_copy_register() -> None:
    result = explore(register(1, 2), Program(), algorithm="stateful")
    assert (result.states, result.transitions + 1, result.depth + 1) == (49, 79, 9)


def with_history(servers: int, clients: int) -> Subject:
    """The same with the history of operations in the state: per client those completed and the one in
    flight, each with how many each other client had completed when it was invoked."""

    def seen(history: Any, me: int) -> Any:
        return tuple([(c, len(done)) for c, (done, _) in enumerate(history) if c != me and done])

    def moves(state: Any) -> dict[Any, Any]:
        values, history, network = state
        found: dict[Any, Any] = {}
        for message in network:
            src, dst, kind, value = message
            rest = list(network)
            rest.remove(message)
            if dst < servers:
                after = (*values[:dst], value, *values[dst + 1 :]) if kind == "put" else values
                answer = (dst, src, kind + "ok", "" if kind == "put" else values[dst])
                found[message] = (after, history, tuple(sorted([*rest, answer])))
                continue
            me = dst - servers
            done, (operation, before) = history[me]
            done = (*done, (operation, before, value))
            flying: Any = ()
            if kind == "putok":
                rest.append((dst, (dst + 1) % servers, "get", ""))
                flying = ("get", seen(history, me))
            then = (*history[:me], (done, flying), *history[me + 1 :])
            found[message] = (values, then, tuple(sorted(rest)))
        return found

    ids = range(servers, servers + clients)
    puts = sorted((c, c % servers, "put", chr(ord("A") + k)) for k, c in enumerate(ids))
    invoked = tuple([((), (("put", chr(ord("A") + k)), ())) for k, _ in enumerate(ids)])
    return model((("",) * servers, invoked, tuple(puts)), moves)


@pytest.mark.parametrize(
    ("servers", "states", "generated", "depth"), [(1, 93, 121, 9), (2, 62, 81, 9)]
)
def test_registers_with_their_history(
    servers: int, states: int, generated: int, depth: int
) -> None:
    result = explore(with_history(servers, 2), Program(), algorithm="stateful")
    assert (result.states, result.transitions + 1, result.depth + 1) == (states, generated, depth)


def test_two_copies_are_not_linearizable() -> None:
    """The shortest violation: Put, PutOk, Get elsewhere, which returns the initial value."""

    def stale(view: Any) -> Detail | None:
        network = view.state(0)[2]
        return Detail((), "stale") if any(m[2:] == ("getok", m[3], "") for m in network) else None

    subject = register(2, 2, [StateInvariant("Stale", "", stale)])
    result = explore(subject, Program(), algorithm="stateful")
    assert result.verdict is Verdict.VIOLATED
    assert len(result.violations[0][1]) == 3  # and the fourth delivery is the answer itself


@pytest.mark.parametrize("seed", range(12))
def test_states_of_actors_end_where_executions_do(seed: int) -> None:
    """The final states of a stateful search are those of naive enumeration."""
    made = random_program(seed, timers=True, faults=True, externals=3)
    target, program = subject(made)
    ends: set[bytes] = set()
    whole = explore(
        target, program, algorithm="naive", keep=0, max_executions=3000,
        on_leaf=lambda space: ends.add(space.world.digest()),
    )  # fmt: skip
    if whole.limit:
        return
    final: set[bytes] = set()

    def key(world: Any) -> bytes:
        digest: bytes = world.digest()
        if not world.enabled():
            final.add(digest)
        return digest

    explore(target, program, algorithm="stateful", keep=0, state_key=key)
    assert final == ends


def test_fewer_states_than_executions_and_the_other_way_round() -> None:
    target, program = subject(nsend_any(5))
    assert explore(target, program, algorithm="stateful").states == 2**5
    target, program = subject(raft(3, 2))
    few = explore(target, program, algorithm="stateful").states
    assert explore(target, program, algorithm="stateful", use_commutes=False).states == few
    target, program = subject(lastzero(3))
    assert explore(target, program, algorithm="stateful").states > 12


class Counter(Node):
    """Counts what it gets, and remembers who was last if it `tells`."""

    def __init__(self, tells: bool = False) -> None:
        self.tells = tells
        self.count = 0
        self.last = ""

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        self.count += 1
        self.last = sender if self.tells else ""


def senders(n: int, tells: bool, portrait: Any) -> tuple[Subject, Program]:
    nodes: dict[str, Any] = {"c": lambda: Counter(tells)}
    nodes |= {f"s{i}": source(("c", ("x",))) for i in range(n)}
    made, program = subject((nodes, (), None))
    target = dataclasses.replace(made.target, portrait=lambda config: portrait)
    return Subject(target, {}), program


def drawn(node: Any) -> Any:
    """A portrait: the class tells the counter from the senders."""
    return type(node).__name__, getattr(node, "count", 0), getattr(node, "last", "")


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_states_up_to_renaming_of_alike_nodes(n: int) -> None:
    """Which senders were heard: 2^n states, n + 1 up to renaming.  With the last one: n 2^(n-1) + 1."""
    for tells, plain, folded in ((False, 2**n, n + 1), (True, n * 2 ** (n - 1) + 1, n + 1)):
        target, program = senders(n, tells, None)
        assert explore(target, program, algorithm="stateful").states == plain
        target, program = senders(n, tells, drawn)
        result = explore(target, program, algorithm="stateful")
        assert result.states == folded
        assert any("interchangeable" in note for note in result.notes)


def test_symmetry_of_raft_is_that_of_brute_force() -> None:
    """States of Raft found without symmetry, folded by trying all six renamings on their full text."""
    from itertools import permutations

    bounds = Bounds(steps=5)  # no totals: they would be part of a state
    target, boots = raft_subject("none")
    names = target.world.names
    orbits: set[frozenset[str]] = set()
    concrete: set[str] = set()

    def key(world: Any) -> str:
        parts = world.anatomy()
        texts = []
        for where in permutations(range(3)):
            to = {name: names[where[i]] for i, name in enumerate(names)}
            nodes = {to[name]: picture(parts.nodes[i]) for i, name in enumerate(names)}
            flight = {(to[names[d]], to[names[s]]): tuple(p) for d, s, p in parts.flight}
            timers = {(to[names[node]], slot) for node, slot in parts.timers}
            texts.append(str((sorted_text(nodes, to), sorted_text(flight, to), sorted(timers))))
        orbits.add(frozenset(texts))
        concrete.add(texts[0])
        return texts[0]

    target.invariants = ()
    plain = explore(
        target, Program(), prefix=boots, bounds=bounds, algorithm="stateful", state_key=key
    )
    assert plain.states == len(concrete)
    target, boots = raft_subject("none")
    target.invariants = ()
    folded = explore(target, Program(), prefix=boots, bounds=bounds, algorithm="stateful")
    assert folded.verdict is plain.verdict is Verdict.EXHAUSTED
    assert folded.states == len(orbits)


def sorted_text(table: dict[Any, Any], to: dict[str, str]) -> list[tuple[str, str]]:
    return sorted((str(key), renamed(value, to)) for key, value in table.items())


def test_a_portrait_of_nodes_that_draw_is_refused() -> None:
    class Gambler(Node):
        def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
            self.got = ctx.random.random()

    made, program = subject(({"A": Gambler, "B": Gambler}, inject(("A", "a")), None))
    target = Subject(dataclasses.replace(made.target, portrait=lambda config: drawn), {})
    with pytest.raises(ContractError, match="A draws from its own"):
        explore(target, program, algorithm="stateful")


def test_a_clock_that_is_read_is_part_of_the_state() -> None:
    """Two orders reach the same fields at different times; the clock decides what comes next."""

    class Watcher(Node):
        late = False

        def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
            if msg[0] == "arm":
                ctx.set_timer("t", 1.0)
            if msg[0] == "look":
                self.late = ctx.now > 1.0

        def on_timer(self, ctx: Context, name: str) -> None:
            return

    made = ({"A": Watcher}, inject(("A", "arm"), ("A", "arm"), ("A", "look")), None)
    target, program = subject(made)
    ends: set[bytes] = set()
    explore(
        target, program, algorithm="naive", on_leaf=lambda space: ends.add(space.world.digest())
    )
    final: set[bytes] = set()

    def key(world: Any) -> bytes:
        digest: bytes = world.digest()
        if not world.enabled():
            final.add(digest)
        return digest

    fresh, program = subject(made)
    explore(fresh, program, algorithm="stateful", state_key=key)
    assert len(final) >= 2
    assert final == ends


def test_auto_takes_states_where_runs_are_cut_and_histories_merge() -> None:
    target, boots = raft_subject("none")
    result = explore(target, Program(), prefix=boots, bounds=Bounds(steps=9, timers=3))
    assert result.algorithm == "stateful"
    assert result.why == "source had not ended after 3,000 runs"
    assert (result.verdict, result.limit) == (Verdict.EXHAUSTED, "steps, timers")
    target, program = subject(raft(3, 2))
    assert explore(target, program).algorithm == "source"


def raft_subject(bug: str) -> tuple[Subject, Sequence[External]]:
    from demi.target import configure
    from targets.raft import TARGET

    target = Subject(TARGET, configure(TARGET, bug, {"nodes": 3}))
    boots = number([External(Kind.INJECT, (name,), "bootstrap") for name in target.world.names])
    return target, boots


@pytest.mark.parametrize(("bug", "steps"), [("raft-46", 12), ("raft-56", 11)])
def test_raft_bugs_and_the_fixed_node_within_the_same_bound(bug: str, steps: int) -> None:
    bounds = Bounds(steps=steps, timers=3)
    target, boots = raft_subject(bug)
    result = explore(target, Program(), prefix=boots, bounds=bounds, algorithm="stateful")
    assert result.verdict is Verdict.VIOLATED
    violation, choices = result.violations[0]
    assert violation.fingerprint == "ElectionSafety"
    assert record(target, choices, 0, strategy="explore").footer.violation is not None
    target, boots = raft_subject("none")
    fixed = explore(target, Program(), prefix=boots, bounds=bounds, algorithm="stateful")
    assert (fixed.verdict, fixed.limit) == (Verdict.EXHAUSTED, "steps, timers")
