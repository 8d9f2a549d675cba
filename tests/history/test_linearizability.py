"""The checkers agree with brute force, and find the smallest failing prefix."""

from __future__ import annotations

import random
from itertools import permutations
from typing import Any

import pytest

from demi.history.just_in_time import Pending, beginning
from demi.history.linearizability import Answer, check_linearizable, relevant, swept, worst
from demi.history.models import MODELS, Model, Refused, Register
from demi.history.operation import FAIL, INFO, INVOKE, OK, ClientEvent, Journal, Operation, pair
from demi.history.wing_gong import search

CAP = 20_000
CALLS = {
    "register": ["read", "write", "cas"],
    "kv": ["get", "put", "append", "delete"],
    "queue": ["enqueue", "dequeue"],
    "set": ["add", "remove", "read"],
    "counter": ["add", "read"],
}


def argument(f: str, name: str, draw: random.Random) -> Any:
    if f in ("read", "get", "dequeue", "delete"):
        return None
    if f == "cas":
        return (draw.choice([None, 1, 2]), draw.choice([1, 2]))
    return draw.choice("ab") if name == "kv" else draw.choice([1, 2])


def random_history(model: Model, draw: random.Random) -> list[ClientEvent]:
    """Up to 5 operations of 3 clients on one object that is right, but for answers made up now and then."""
    state, events = model.initial, []
    under_way: dict[str, tuple[str, Any, Any, bool]] = {}
    left = draw.randrange(2, 6)
    while left or under_way:
        client = draw.choice("abc")
        if client not in under_way:
            if left:
                left -= 1
                f = draw.choice(CALLS[model.name])
                value = argument(f, model.name, draw)
                events.append(ClientEvent(client, INVOKE, f, value))
                under_way[client] = (f, value, None, False)
            continue
        f, value, answer, done = under_way[client]
        if not done:
            try:
                state, answer = model.apply(state, f, value)
            except Refused:
                del under_way[client]
                events.append(ClientEvent(client, FAIL, f))
                continue
            under_way[client] = (f, value, answer, True)
            continue
        del under_way[client]
        if draw.random() < 0.15:  # made up: what another state would answer
            answer = draw.choice([None, 1, 2, "a", (), frozenset({1})])
        kind = draw.choices([OK, INFO, FAIL], [8, 1, 0.3])[0]
        events.append(ClientEvent(client, kind, f, answer if kind == OK else None))
    return events


def brute(model: Model, operations: list[Operation]) -> bool:
    """Every subset of the indefinite operations in every order."""
    definite = [one for one in operations if one.status == OK]
    loose = [one for one in operations if one.status == INFO]
    for chosen in range(1 << len(loose)):
        used = definite + [one for i, one in enumerate(loose) if chosen >> i & 1]
        if any(explains(model, order) for order in permutations(used)):
            return True
    return False


def explains(model: Model, order: tuple[Operation, ...]) -> bool:
    for at, one in enumerate(order):
        if any(other.back is not None and other.back < one.call for other in order[at + 1 :]):
            return False
    state = model.initial
    for one in order:
        try:
            state, answer = model.apply(state, one.f, one.argument)
        except Refused:
            return False
        if one.status == OK and not model.agrees(one.f, answer, one.result):
            return False
    return True


def live(model: Model, events: list[ClientEvent]) -> bool:
    """The same, as a run tells it: no outcome is known before its end."""
    sweep, slots, calls = beginning(model), {}, {}
    for event in events:
        if event.type == INVOKE:
            slots[event.process] = sweep.free_slot()
            calls[event.process] = event
            sweep = sweep.invoked(Pending(slots[event.process], event.f, event.value))
        elif event.type == OK:
            sweep = sweep.returned(slots[event.process], event.value)
        elif event.type == FAIL:
            sweep = sweep.failed(slots[event.process])
        if not sweep.configurations:
            return False
    return True


@pytest.mark.parametrize("name", sorted(MODELS))
def test_all_checkers_agree_with_brute_force(name: str) -> None:
    model, draw = MODELS[name], random.Random(name)
    verdicts = {True: 0, False: 0}
    for _ in range(250):  # 1 250 histories over the five models
        events = distinct(random_history(model, draw))
        operations = pair(events)
        expected = brute(model, operations)
        verdicts[expected] += 1
        counted = relevant(model, operations)
        assert search(model, counted, 10**6) is expected, events
        assert (swept(model, counted, CAP)[0] is Answer.YES) is expected, events
        answer = Answer.YES if expected else Answer.NO
        assert worst(check_linearizable(model, operations)) is answer, events
        assert live(model, events) is expected, events
    assert min(verdicts.values()) > 20, verdicts


def distinct(events: list[ClientEvent]) -> list[ClientEvent]:
    """A client whose operation has an unknown end is another one from there on."""
    lives: dict[str, int] = {}
    renamed = []
    for event in events:
        renamed.append(event._replace(process=event.process + "'" * lives.get(event.process, 0)))
        if event.type == INFO:
            lives[event.process] = lives.get(event.process, 0) + 1
    return renamed


def history(*lines: str) -> list[Operation]:
    """`a invoke write 1` per event."""
    events = []
    for line in lines:
        process, kind, f, *value = line.split()
        events.append(ClientEvent(process, kind, f, int(value[0]) if value else None))
    return pair(events)


STALE = (
    "w invoke write 1", "a invoke read", "a ok read 1", "b invoke read", "b ok read",
    "c invoke read", "w ok write", "c ok read 1",
)  # fmt: skip


def test_the_smallest_failing_prefix_ends_where_no_order_is_left() -> None:
    (finding,) = check_linearizable(Register(), history(*STALE))
    assert finding.answer is Answer.NO
    assert finding.text == "b: read() -> nothing; no order explains it: before it the value is 1"
    assert [one.text for one in finding.prefix] == [
        "w: write(1)", "a: read() -> 1", "b: read() -> nothing",
    ]  # fmt: skip
    assert check_linearizable(Register(), history(*STALE[:4]))[0].answer is Answer.YES


def test_beyond_both_budgets_the_answer_is_unknown_and_never_no() -> None:
    lines = [f"p{i} invoke write {i}" for i in range(12)]
    lines += ["r invoke read", "r ok read 99"]  # wrong, but 12 writes overlap
    lines += [f"p{i} ok write" for i in range(12)]
    (finding,) = check_linearizable(
        Register(), history(*lines), steps_per_operation=0, configurations=50
    )
    assert finding.answer is Answer.UNKNOWN
    assert "too many operations overlap" in finding.text
    (finding,) = check_linearizable(Register(), history(*lines), configurations=10**6)
    assert finding.answer is Answer.NO


def test_keys_are_judged_apart() -> None:
    events = [
        ClientEvent("a", INVOKE, "write", 1, "x"), ClientEvent("a", OK, "write", None, "x"),
        ClientEvent("a", INVOKE, "read", None, "y"), ClientEvent("a", OK, "read", 1, "y"),
    ]  # fmt: skip
    found = check_linearizable(Register(), pair(events))
    assert [(one.key, one.answer) for one in found] == [("x", Answer.YES), ("y", Answer.NO)]


def test_a_journal_refuses_what_no_client_can_do() -> None:
    journal = Journal()
    with pytest.raises(Exception, match="had not begun"):
        journal.ok()
    journal.invoke("read")
    with pytest.raises(Exception, match="before its last operation ended"):
        journal.invoke("read")
    journal.ok([1, {"a": {2}}])
    assert journal.events[-1].value == (1, (("a", frozenset({2})),))
