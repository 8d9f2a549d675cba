"""The small programs of the conformance tables, as actors of a few lines each.

Each function gives (nodes, externals, commutes): node factories by name, what the outside does, and the
hook or None.  A *source* is a node that only sends when it starts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from demi.events import External, Kind, Program, number
from demi.interpose.actor import Context, Node
from demi.interpose.actor_world import ActorWorld
from demi.scheduler.execute import Subject
from demi.target import Profile, Target

Nodes = dict[str, Callable[[], Node]]
Made = tuple[Nodes, Sequence[External], Callable[..., bool] | None]


def subject(
    made: Made, *, network: str = "fifo", invariants: Sequence[Any] = (), timers: str = "free",
    order: Callable[[list[str]], list[str]] | None = None, world: type[ActorWorld] = ActorWorld,
) -> tuple[Subject, Program]:  # fmt: skip
    """A subject over the program, nodes created in `order`, and its externals."""
    nodes, externals, commutes = made
    names = list(nodes)
    nodes = {name: nodes[name] for name in (order(names) if order else names)}
    target = Target(
        "small", "", lambda config: world(
            nodes, network=network, timers=timers, observe=seen
        ),
        lambda config: invariants, lambda config: Profile(), commutes=commutes,
    )  # fmt: skip
    return Subject(target, {}), Program(number(externals))


def seen(node: Node) -> Any:
    """Fields as a tuple: immutable and comparable."""
    return tuple(sorted(vars(node).items()))


class Quiet(Node):
    """Takes everything, does nothing."""

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        return


class Source(Node):
    """Sends (dst, msg) pairs when it starts."""

    def __init__(self, *sends: tuple[str, Any]) -> None:
        self.sends = sends

    def on_start(self, ctx: Context) -> None:
        for dst, msg in self.sends:
            ctx.send(dst, msg)


def source(*sends: tuple[str, Any]) -> Callable[[], Node]:
    return lambda: Source(*sends)


# ---- registers


class Cell(Node):
    """A register: ("r",) and ("w", value); reads are answered when they say so: ("r", True)."""

    def __init__(self, value: int = 0) -> None:
        self.value = value

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        if msg[0] == "w":
            self.value = msg[1]
        elif len(msg) > 1:
            ctx.send(sender, ("v", self.value))


def reads_commute(label_a: str, a: Any, label_b: str, b: Any) -> bool:
    """Two reads of one register commute."""
    return label_a == "r" and label_b == "r"


def readers(n: int, writer_first: bool = True) -> Made:
    nodes: Nodes = {"x": Cell}
    writer = {"w": source(("x", ("w", 42)))}
    sources = {f"r{i}": source(("x", ("r",))) for i in range(1, n + 1)}
    nodes |= {**writer, **sources} if writer_first else {**sources, **writer}
    return nodes, (), reads_commute


class Script(Node):
    """Accesses to registers one after the other: a generator of ("r", x) / ("w", x, value) steps.

    Kept as the list of values read so far, so that it can be saved; `script(values)` gives the next
    accesses until the next read, or None at the end.
    """

    def __init__(self, script: Callable[[tuple[Any, ...]], Sequence[Any]]) -> None:
        self.script = script
        self.values: tuple[Any, ...] = ()

    def snapshot(self) -> Any:
        return self.script, self.values

    def restore(self, saved: Any) -> None:
        self.script, self.values = saved

    def on_start(self, ctx: Context) -> None:
        self.go(ctx)

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        self.values += (msg[1],)
        self.go(ctx)

    def go(self, ctx: Context) -> None:
        access = self.script(self.values)
        if access:
            ctx.send(access[0], access[1])


class Register(Node):
    """Answers everything, so that one process's accesses stay in order across registers."""

    def __init__(self, value: Any = 0) -> None:
        self.value = value

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        if msg[0] == "r":
            ctx.send(sender, ("v", self.value))
        else:
            self.value = msg[1]
            ctx.send(sender, ("v", None))


def registers(cells: str, **processes: Callable[[tuple[Any, ...]], Sequence[Any]]) -> Made:
    """Processes as functions of what was answered so far -> (cell, request) or ()."""
    nodes: Nodes = dict.fromkeys(cells, Register)
    for name, script in processes.items():
        nodes[name] = lambda script=script: Script(script)  # type: ignore[misc]
    return nodes, (), reads_commute


class LastZeroWriter(Node):
    def __init__(self, j: int) -> None:
        self.j = j

    def on_start(self, ctx: Context) -> None:
        ctx.send(f"a{self.j - 1}", ("r", True))

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        ctx.send(f"a{self.j}", ("w", msg[1] + 1))


class LastZeroReader(Node):
    def __init__(self, n: int) -> None:
        self.i = n

    def on_start(self, ctx: Context) -> None:
        ctx.send(f"a{self.i}", ("r", True))

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        if msg[1] != 0:
            self.i -= 1
            ctx.send(f"a{self.i}", ("r", True))


def lastzero(n: int) -> Made:
    nodes: Nodes = {"reader": lambda: LastZeroReader(n)}
    nodes |= {f"p{j}": (lambda j=j: LastZeroWriter(j)) for j in range(1, n + 1)}  # type: ignore[misc]
    nodes |= {f"a{j}": Cell for j in range(n + 1)}
    return nodes, (), reads_commute


class Slot(Node):
    """An atomic "take it if it is free"; answers whether it was."""

    def __init__(self) -> None:
        self.owner: Any = None

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        free = self.owner is None
        if free:
            self.owner = msg[1]
        ctx.send(sender, ("free" if free else "taken",))


class Indexer(Node):
    def __init__(self, t: int) -> None:
        self.t, self.m, self.h = t, 0, 0

    def on_start(self, ctx: Context) -> None:
        self.following(ctx)

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        if msg[0] == "free":
            self.following(ctx)
        else:
            self.h = (self.h + 1) % 128
            ctx.send(f"c{self.h}", ("claim", 11 * self.m + self.t))

    def following(self, ctx: Context) -> None:
        if self.m < 4:
            self.m += 1
            w = 11 * self.m + self.t
            self.h = 7 * w % 128
            ctx.send(f"c{self.h}", ("claim", w))


def indexer(n: int) -> Made:
    nodes: Nodes = {f"t{t}": (lambda t=t: Indexer(t)) for t in range(n)}  # type: ignore[misc]
    return nodes | {f"c{h}": Slot for h in range(128)}, (), None


class Filer(Node):
    def __init__(self, t: int) -> None:
        self.t, self.b = t, -1

    def on_start(self, ctx: Context) -> None:
        ctx.send(f"i{self.t % 32}", ("claim", self.t))

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        free = msg[0] == "free"
        if self.b < 0:
            if not free:
                return
            self.b = 2 * (self.t % 32) % 26
        elif free:
            return
        else:
            self.b = (self.b + 1) % 26
        ctx.send(f"b{self.b}", ("claim", self.t))


def filesystem(n: int) -> Made:
    nodes: Nodes = {f"t{t}": (lambda t=t: Filer(t)) for t in range(1, n + 1)}  # type: ignore[misc]
    nodes |= {f"i{i}": Slot for i in range(32)}
    return nodes | {f"b{b}": Slot for b in range(26)}, (), None


# ---- message passing


def nsend_any(n: int) -> Made:
    return {"r": Quiet} | {f"s{i}": source(("r", ("m", i))) for i in range(1, n + 1)}, (), None


def nsend_two(n: int) -> Made:
    nodes: Nodes = {"a": Quiet, "b": Quiet}
    for i in range(1, n + 1):
        nodes[f"s{i}"] = source(("a", ("m", i)), ("b", ("m", i)))
    return nodes, (), None


def senders(k: int, m: int) -> Made:
    """k senders of m messages each to one receiver."""
    sends = [[("r", ("m", i, j)) for j in range(m)] for i in range(k)]
    return {"r": Quiet} | {f"s{i}": source(*sends[i]) for i in range(k)}, (), None


def broadcasts(n: int, r: int) -> Made:
    """n senders, each to r receivers."""
    nodes: Nodes = {f"r{j}": Quiet for j in range(r)}
    for i in range(n):
        nodes[f"s{i}"] = source(*[(f"r{j}", ("m", i)) for j in range(r)])
    return nodes, (), None


class Coordinator(Node):
    def __init__(self, n: int) -> None:
        self.n, self.votes, self.acks = n, 0, 0

    def on_start(self, ctx: Context) -> None:
        for i in range(1, self.n + 1):
            ctx.send(f"p{i}", ("prepare",))

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        if msg[0] == "yes":
            self.votes += 1
            if self.votes == self.n:
                for i in range(1, self.n + 1):
                    ctx.send(f"p{i}", ("commit",))
        else:
            self.acks += 1


class Participant(Node):
    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        ctx.send("c", ("yes",) if msg[0] == "prepare" else ("ack",))


def tpc(n: int) -> Made:
    return {"c": lambda: Coordinator(n)} | {f"p{i}": Participant for i in range(1, n + 1)}, (), None


class Ring(Node):
    def __init__(self, i: int, n: int) -> None:
        self.i, self.n, self.part = i, n, False

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        successor = f"n{self.i % self.n + 1}"
        if msg[0] == "start":
            if not self.part:
                self.part = True
                ctx.send(successor, ("tok", self.i))
        elif msg[0] == "tok":
            if msg[1] > self.i:
                self.part = True
                ctx.send(successor, msg)
            elif msg[1] < self.i:
                if not self.part:
                    self.part = True
                    ctx.send(successor, ("tok", self.i))
            else:
                ctx.send(successor, ("leader", self.i))
        elif msg[1] != self.i:
            ctx.send(successor, msg)


def ring(n: int) -> Made:
    nodes: Nodes = {f"n{i}": (lambda i=i: Ring(i, n)) for i in range(1, n + 1)}  # type: ignore[misc]
    return nodes | {f"j{i}": source((f"n{i}", ("start",))) for i in range(1, n + 1)}, (), None


class SmallRaft(Node):
    def __init__(self, i: int, n: int) -> None:
        self.i, self.n = i, n
        self.term, self.vote, self.role, self.votes = 0, 0, "follower", 0

    def others(self, ctx: Context, msg: Any) -> None:
        for j in range(1, self.n + 1):
            if j != self.i:
                ctx.send(f"n{j}", msg)

    def step_down(self, term: int) -> None:
        self.term, self.vote, self.role, self.votes = term, 0, "follower", 0

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        kind = msg[0]
        if kind == "timeout":
            if self.role == "follower":
                self.term += 1
                self.vote, self.role, self.votes = self.i, "candidate", 1
                self.others(ctx, ("rv", self.term, self.i))
            return
        term = msg[1]
        if term > self.term:
            self.step_down(term)
            if kind == "vr":
                return
        if kind == "rv":
            grant = term == self.term and self.vote in (0, msg[2])
            if grant:
                self.vote = msg[2]
            ctx.send(f"n{msg[2]}", ("vr", self.term, grant))
        elif kind == "vr":
            if self.role == "candidate" and term == self.term and msg[2]:
                self.votes += 1
                if self.votes * 2 > self.n:
                    self.role = "leader"
                    self.others(ctx, ("hb", self.term))
        elif term == self.term:
            self.role, self.votes = "follower", 0


def raft(n: int, k: int) -> Made:
    nodes: Nodes = {f"n{i}": (lambda i=i: SmallRaft(i, n)) for i in range(1, n + 1)}  # type: ignore[misc]
    return nodes | {f"j{i}": source((f"n{i}", ("timeout",))) for i in range(1, k + 1)}, (), None


class Proposer(Node):
    def __init__(self, b: int, a: int) -> None:
        self.b, self.a = b, a
        self.phase, self.promises, self.accepted, self.best, self.value = 0, 0, 0, -1, b

    def on_start(self, ctx: Context) -> None:
        for j in range(1, self.a + 1):
            ctx.send(f"a{j}", ("prepare", self.b))

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        if self.phase == 2:
            return
        if msg[0] == "nack":
            self.phase = 2
        elif msg[0] == "promise" and self.phase == 0:
            self.promises += 1
            if msg[1] > self.best and msg[1] > 0:
                self.best, self.value = msg[1], msg[2]
            if self.promises * 2 > self.a:
                self.phase = 1
                for j in range(1, self.a + 1):
                    ctx.send(f"a{j}", ("accept", self.b, self.value))
        elif msg[0] == "accepted" and self.phase == 1:
            self.accepted += 1
            if self.accepted * 2 > self.a:
                self.phase = 2


class Acceptor(Node):
    def __init__(self) -> None:
        self.max, self.ab, self.av = 0, 0, 0

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        if msg[0] == "prepare":
            if msg[1] > self.max:
                self.max = msg[1]
                ctx.send(sender, ("promise", self.ab, self.av))
            else:
                ctx.send(sender, ("nack",))
        elif msg[1] >= self.max:
            self.max, self.ab, self.av = msg[1], msg[1], msg[2]
            ctx.send(sender, ("accepted",))
        else:
            ctx.send(sender, ("nack",))


def paxos(p: int, a: int) -> Made:
    nodes: Nodes = {f"a{j}": Acceptor for j in range(1, a + 1)}
    return nodes | {f"p{b}": (lambda b=b: Proposer(b, a)) for b in range(1, p + 1)}, (), None  # type: ignore[misc]


def inject(*pairs: tuple[str, str]) -> tuple[External, ...]:
    """One INJECT per (node, label)."""
    return tuple(External(Kind.INJECT, (node,), label) for node, label in pairs)


class Table(Node):
    """Table-driven: rules (label, last label received or "") -> sends (dst, label); "*" = any last."""

    def __init__(self, rules: Mapping[tuple[str, str], Sequence[tuple[str, str]]]) -> None:
        self.rules = rules
        self.last = ""

    def snapshot(self) -> Any:
        return self.rules, self.last

    def restore(self, saved: Any) -> None:
        self.rules, self.last = saved

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        label, last = msg[0], self.last
        if label != "read":
            self.last = label
        for dst, sent in self.rules.get((label, last), self.rules.get((label, "*"), ())):
            ctx.send(dst, (sent,))


def on_demand(made: Made) -> Made:
    """The same nodes, but what they do when they start is a step of its own: the input "go"."""
    nodes, externals, commutes = made
    late: Nodes = {}
    inputs = list(externals)
    for name, make in nodes.items():
        kind = type(make())
        if kind.on_start is Node.on_start:
            late[name] = make
        else:
            late[name] = _late(make, kind)
            inputs.append(External(Kind.INJECT, (name,), "go"))
    return late, tuple(inputs), commutes


def _late(make: Callable[[], Node], kind: type[Node]) -> Callable[[], Node]:
    def on_message(self: Any, ctx: Context, sender: str, msg: Any) -> None:
        if sender == "ext":
            kind.on_start(self, ctx)
        else:
            kind.on_message(self, ctx, sender, msg)

    def build() -> Node:
        node = make()
        node.__class__ = late  # type: ignore[assignment]
        return node

    late = type(
        "Late" + kind.__name__, (kind,), {"on_start": Node.on_start, "on_message": on_message}
    )
    return build


# ---- TraceForge's shapes


class Relay(Node):
    """On message `when`, sends."""

    def __init__(self, when: Any, *sends: tuple[str, Any]) -> None:
        self.when, self.sends = when, sends

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        if msg == self.when:
            for dst, what in self.sends:
                ctx.send(dst, what)


def program1() -> Made:
    return {
        "m": Quiet,
        "main": source(("m", 1), ("m", 2)),
        "a": source(("m", 3), ("b", 5)),
        "b": lambda: Relay(5, ("m", 4)),
    }, (), None  # fmt: skip


def program2() -> Made:
    return {
        "m": Quiet,
        "main": source(("m", 1), ("m", 2)),
        "a": source(("m", 3)),
        "b": source(("m", 4)),
    }, (), None  # fmt: skip


def program3() -> Made:
    return {"a": Quiet, "main": source(("a", 1), ("a", 2), ("a", 3))}, (), None


class Worker(Node):
    def __init__(self, n: int) -> None:
        self.n = n

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        self.n -= 1
        if self.n == 0:
            ctx.send("main", ("done",))


def wakeup_stress(n: int) -> Made:
    nodes: Nodes = {"main": Quiet, "w": lambda: Worker(n), "start": source(("main", ("start",)))}
    return nodes | {f"s{i}": source(("w", ("m", i))) for i in range(n)}, (), None


def independent_receivers() -> Made:
    return {
        "main": Quiet,
        "r1": lambda: Relay("a", ("main", "a")),
        "r2": lambda: Relay("b", ("main", "b")),
        "s1": source(("r1", "a")),
        "s2": source(("r2", "b")),
    }, (), None  # fmt: skip
