"""Record and replay: the same run, byte for byte, or the first difference by step and part."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from systems import (
    LOCK_PROFILE,
    Relay,
    fault,
    in_process,
    inject,
    lock,
    program,
    relays,
    subject_of,
)

from demi.errors import DivergenceError
from demi.events import Kind, Program, Wait
from demi.fuzz.program import generate
from demi.interpose.actor import Context, Node
from demi.interpose.actor_world import ActorWorld
from demi.scheduler.determinism import check_determinism
from demi.scheduler.execute import Choices, Subject, execute, record
from demi.scheduler.random_walk import RandomWalk
from demi.scheduler.registry import STRATEGIES, make_strategy
from demi.scheduler.replay import replay
from demi.scheduler.run import ExitReason
from demi.trace import Entry, Trace
from demi.trace_codec import encode, loads


def recorded(subject: Subject, name: str, seed: int, items: Program, steps: int = 60) -> Trace:
    choices = Choices(subject.world)
    strategy = make_strategy(name, LOCK_PROFILE)
    execute(subject, strategy, seed, program=items, steps=steps, observer=choices)
    return record(subject, choices.taken, seed, strategy=name)


MODELS = [("fifo", False), ("fifo", True), ("bag", False), ("causal", False), ("mailbox", False)]
LOCKS = {(network, lossy): lock(network=network, lossy=lossy) for network, lossy in MODELS}


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(sorted(LOCKS)), st.sampled_from(sorted(STRATEGIES)),
    st.integers(0, 10**6), st.integers(0, 10**6),
)  # fmt: skip
def test_replaying_a_record_gives_the_record(
    model: tuple[str, bool], name: str, outside: int, seed: int
) -> None:
    subject = LOCKS[model]
    items = generate(LOCK_PROFILE, subject.world.names, outside)
    trace = recorded(subject, name, seed, items)
    again = replay(subject, trace)
    assert again.divergence is None
    assert again.entries == trace.entries
    assert again.outcome.violation == trace.violation
    from_file = loads(encode(trace))
    assert from_file == trace
    second = replay(subject, from_file)
    assert second.divergence is None and second.entries == trace.entries
    assert record(subject, second.choices, seed, strategy=name) == trace


CODE = """
import sys
from systems import LOCK_PROFILE, lock
from demi.fuzz.program import generate
from demi.scheduler.execute import Choices, execute, record
from demi.scheduler.registry import make_strategy
from demi.trace_codec import encode
subject = lock()
for seed in range(5):
    choices = Choices(subject.world)
    items = generate(LOCK_PROFILE, subject.world.names, seed)
    execute(subject, make_strategy("random", LOCK_PROFILE), seed, program=items, steps=60, observer=choices)
    sys.stdout.write(encode(record(subject, choices.taken, seed, strategy="random")).decode())
"""


def test_two_processes_write_the_same_bytes() -> None:
    first, second = in_process(CODE, 3), in_process(CODE, 77)
    assert first == second and len(first) > 5000


def test_a_quiet_system_replays_to_its_end() -> None:
    """Nothing is enabled between the inputs; the replay brings them itself."""
    subject = subject_of(lambda: relays({"a": [], "b": []}, {"a": {("x", None): [("b", 1)]}}))
    items = program(Wait(), inject("a", "x"), Wait(), inject("a", "x"))
    trace = recorded(subject, "fifo", 0, items)
    assert [entry.id for entry in trace] == [
        "ext:x(a)#1", "a>b:int#1", "ext:x(a)#2", "a>b:int#2",
    ]  # fmt: skip
    assert replay(subject, trace).divergence is None


def test_until_stops_early() -> None:
    subject = lock()
    trace = recorded(subject, "random", 1, program(inject("c1", "ask"), inject("c2", "ask")), 20)
    again = replay(subject, trace, until=5)
    assert again.entries == trace.entries[:5] and again.divergence is None
    assert (again.outcome.reason, again.outcome.steps) == (ExitReason.STRATEGY, 5)
    assert replay(subject, trace, until=10**9).entries == trace.entries


# ---- divergence


class Pipe(Node):
    """Each message makes exactly one more, with a count: any change shows at the next step."""

    def on_start(self, ctx: Context) -> None:
        self.count = 0
        if ctx.name == "a":
            ctx.send("b", ("n", 0))

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        self.count += 1
        ctx.send(ctx.peers[0], ("n", msg[1] + 1))


PIPES = subject_of(lambda: ActorWorld({"a": Pipe, "b": Pipe}))
PIPE = recorded(PIPES, "fifo", 0, Program(), 8)


def changed(trace: Trace, at: int, **parts: Any) -> Trace:
    entries = list(trace.entries)
    entries[at] = msgspec.structs.replace(entries[at], **parts)
    return replace(trace, entries=tuple(entries))


@pytest.mark.parametrize("at", [0, 3, 7])
@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("msg", ["n", 99]),
        ("out", ("a>b:n#9",)),
        ("armed", ("a!t#1",)),
        ("lost", ("a>b:n#9",)),
        ("en", 7),
        ("st", "00000000"),
        ("fell", True),
        ("fail", {"error": "KeyError", "where": "f:1", "text": ""}),
    ],
)
def test_a_changed_part_diverges_at_exactly_that_step(at: int, part: str, value: Any) -> None:
    found = replay(PIPES, changed(PIPE, at, **{part: value})).divergence
    assert found is not None
    assert (found.step, found.event, found.what) == (at, PIPE.entries[at].id, part)
    said = found.describe()
    assert f"step {at + 1}, {found.event}: {part} differs" in said and "usual causes" in said


@pytest.mark.parametrize("at", range(7))
def test_a_missing_event_diverges_where_it_was(at: int) -> None:
    cut = replace(PIPE, entries=PIPE.entries[:at] + PIPE.entries[at + 1 :])
    found = replay(PIPES, cut).divergence
    assert found is not None
    assert (found.step, found.event, found.what) == (at, PIPE.entries[at + 1].id, "the event")
    assert found.got == "was never created"
    assert found.enabled == (PIPE.entries[at].id,), "what could have happened instead"


@pytest.mark.parametrize("extra", ["b>a:n#7", "a>b:other#1", "a!t#1", "ext:restart(a)#1"])
def test_an_extra_event_diverges_where_it_is(extra: str) -> None:
    entries = [*PIPE.entries]
    entries.insert(3, Entry(extra))
    found = replay(PIPES, replace(PIPE, entries=tuple(entries))).divergence
    assert found is not None
    assert (found.step, found.event) == (3, extra)
    assert found.got == ("not enabled" if extra.startswith("ext:") else "was never created")


def test_swapped_events_diverge_at_the_first_of_them() -> None:
    entries = [*PIPE.entries]
    entries[2], entries[3] = entries[3], entries[2]
    found = replay(PIPES, replace(PIPE, entries=tuple(entries))).divergence
    assert found is not None and found.step == 2


def test_another_start_is_a_divergence_before_the_first_step() -> None:
    boot = {**PIPE.header.boot, "out": ["a>b:other#1"]}
    found = replay(PIPES, replace(PIPE, header=replace(PIPE.header, boot=boot))).divergence
    assert found is not None and found.step == -1 and found.what == "out at the start"
    assert "step 0, start" in found.describe()


def violating() -> tuple[Subject, Trace]:
    subject = lock()
    items = program(
        inject("c1", "ask"), Wait(steps=3), fault(Kind.CRASH, "server"), fault(Kind.RESTART, "server"),
        Wait(steps=3), inject("c2", "ask"),
    )  # fmt: skip
    for seed in range(50):
        trace = recorded(subject, "random", seed, items, 40)
        if trace.violation is not None:
            return subject, trace
    raise AssertionError("the lock service has lost its bug")


def test_a_verdict_that_differs_is_a_divergence() -> None:
    subject, trace = violating()
    assert trace.footer is not None and trace.violation is not None
    assert trace.violation.fingerprint == "OneHolder"
    assert trace.violation.step == len(trace) - 1
    for footer in (
        replace(trace.footer, violation=None),
        replace(trace.footer, violation=replace(trace.violation, invariant="Other")),
        replace(trace.footer, violation=replace(trace.violation, step=0)),
    ):
        found = replay(subject, replace(trace, footer=footer)).divergence
        assert found is not None and found.what == "the verdict"
    assert replay(subject, replace(trace, footer=None)).divergence is None, (
        "interrupted: no verdict"
    )


def test_a_fixed_system_no_longer_shows_it() -> None:
    _, trace = violating()
    again = replay(lock(careful=True), trace)
    assert again.outcome.violation is None and again.divergence is not None


# ---- nondeterminism

COUNTER = itertools.count()


class Global(Relay):
    """Counts in a module-level variable."""

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        self.got += ((sender, next(COUNTER)),)


class Sender(Relay):
    """Sends the module's count on."""

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        ctx.send("b", ("n", next(COUNTER)))


class Tag:
    """Hashes by address."""

    def __init__(self, n: int) -> None:
        self.n = n


KEPT: list[Tag] = []  # nothing is ever freed, so each run has new addresses


class ById(Node):
    """Iterates over a set of objects that hash by address."""

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        tags = [Tag(n) for n in range(40)]
        KEPT.extend(tags)
        for tag in set(tags):
            ctx.send("b", (f"t{tag.n}", 1))


class Start(Relay):
    """Differs from the beginning."""

    def on_start(self, ctx: Context) -> None:
        ctx.send("b", (f"hello{next(COUNTER)}", 1))


@pytest.mark.parametrize(
    ("make", "step", "event", "part"),
    [
        (Global, 2, "ext:go(a)#1", "st"),
        (Sender, 3, "a>b:n#1", "msg"),
        (ById, 2, "ext:go(a)#1", "out"),
        (Start, -1, "start", "out at the start"),
    ],
)
def test_a_nondeterministic_node_is_named_by_step_and_part(
    make: Callable[[], Node], step: int, event: str, part: str
) -> None:
    subject = subject_of(lambda: ActorWorld({"a": make, "b": Relay}))
    items = program(inject("b", "one"), Wait(), inject("b", "one"), Wait(), inject("a", "go"))
    if make is Start:
        items = Program()
    fifo = STRATEGIES["fifo"](LOCK_PROFILE, 0)
    _, found = check_determinism(subject, fifo, items, 0, 30)
    assert found is not None
    assert (found.step, found.event, found.what) == (step, event, part)
    assert found.expected != found.got


def test_a_deterministic_system_passes_the_check() -> None:
    items = program(inject("c1", "ask"), fault(Kind.CRASH, "server"), fault(Kind.RESTART, "server"))
    trace, found = check_determinism(lock(), RandomWalk(), items, 5, 40)
    assert found is None and len(trace) == 40


def test_choices_that_cannot_be_made_again_are_an_error_with_the_usual_causes() -> None:
    class Fickle(Node):
        def on_start(self, ctx: Context) -> None:
            if next(COUNTER) % 2:
                ctx.send("a", 1)

    subject = subject_of(lambda: ActorWorld({"a": Fickle}))
    subject.world.reset(0)
    if not subject.world.enabled():
        subject.world.reset(0)
    event = subject.world.enabled()[0]
    said = "does not repeat: step 1 of 1, message 1 from a to a, is not enabled"
    with pytest.raises(DivergenceError, match=said) as caught:
        record(subject, [event], 0, strategy="x")
    assert "iteration over a set" in caught.value.remedy


# ---- what the record says


def test_entries_say_what_happened() -> None:
    subject = lock()
    items = program(
        inject("c1", "ask", group="g"), Wait(steps=3), fault(Kind.CRASH, "server"), Wait(), Wait()
    )
    trace = recorded(subject, "fifo", 0, items, 8)
    by_id = {entry.id: entry for entry in trace}
    assert trace.header.boot["armed"] == ["server!tick#1"]
    tick = by_id["server!tick#1"]
    assert tick.armed == ("server!tick#2",)
    assert tick.out == ("server>c1:ping#1", "server>c2:ping#1", "server>c3:ping#1")
    ask = by_id["ext:ask(c1)#1"]
    assert (ask.out, ask.group) == (("c1>server:Ask#1",), "g")
    delivered = by_id["c1>server:Ask#1"]
    assert (delivered.cause, delivered.msg) == ("ext:ask(c1)#1", {"who": "c1"})
    assert delivered.delta["holder"] == "c1" and delivered.delta["epoch"] in (1, 2, 3)
    assert by_id["ext:crash(server)#1"].delta == {"up": False}


def test_growing_lists_of_a_default_observation_are_in_the_delta() -> None:
    """The observed value is a copy, so a list changed in place is seen to change."""
    subject = lock()
    items = program(inject("c1", "ask"), Wait(steps=4), inject("c2", "ask"))
    trace = recorded(subject, "fifo", 0, items, 20)
    assert any(entry.delta.get("queue") == ["c2"] for entry in trace)
