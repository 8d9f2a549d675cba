"""Random small programs: table-driven actors, with faults and timers when asked."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from demi.events import External, Kind
from demi.interpose.actor import Context, Node

from .programs import Made, Nodes

Action = tuple[str, ...]
Rules = dict[tuple[str, str], tuple[Action, ...]]


class Actor(Node):
    """Rules (label, last label) -> actions; logs what it received, so that its state is its history."""

    def __init__(self, rules: Rules, logs: bool) -> None:
        self.rules = rules
        self.last = ""
        self.log: tuple[Any, ...] | None = () if logs else None

    def snapshot(self) -> Any:
        return self.rules, self.last, self.log

    def restore(self, saved: Any) -> None:
        self.rules, self.last, self.log = saved

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        self.react(ctx, sender, msg[0], msg)

    def on_timer(self, ctx: Context, name: str) -> None:
        self.react(ctx, "!", "!" + name, None)

    def react(self, ctx: Context, sender: str, label: str, msg: Any) -> None:
        actions = self.rules.get((label, self.last), self.rules.get((label, "*"), ()))
        if label[0] != "r":
            self.last = label
            if self.log is not None:
                self.log += ((sender, label),)
        for what, *args in actions:
            if what == "send":
                ctx.send(args[0], (args[1],))
            elif what == "arm":
                ctx.set_timer(args[0], 1.0)
            elif what == "cancel":
                ctx.cancel_timer(args[0])
            elif what == "forward" and sender not in ("!", "ext"):
                ctx.forward(sender, (args[0],))
            elif what == "raise":
                raise RuntimeError(label)


LABELS = ("a", "b", "c", "d")


def random_program(
    seed: int, *, timers: bool = False, faults: bool = False, forwards: bool = False,
    reads: bool = False, replies: bool = False, externals: int = 4,
) -> Made:  # fmt: skip
    """2 or 3 actors, up to `externals` inputs, sends only of later labels, so that all runs end."""
    draw = random.Random(seed)
    names = ["A", "B", "C"][: draw.randint(2, 3)]
    rules: dict[str, Rules] = {}
    for name in names:
        table: Rules = {}
        labels = [*LABELS[:3], *(["!t"] if timers else []), *(["r"] if replies else [])]
        for label in labels:
            for last in ["*", "", *LABELS]:
                if draw.random() < 0.35:
                    table[label, last] = tuple(
                        _actions(draw, label, names, timers, forwards, reads)
                    )
        rules[name] = table
    nodes: Nodes = {name: _actor(rules[name], not reads) for name in names}
    outside = [
        External(Kind.INJECT, (draw.choice(names),), draw.choice(LABELS[:2] + (("r",) if reads else ())))
        for _ in range(draw.randint(2, externals))
    ]  # fmt: skip
    if faults:
        outside += _faults(draw, names)
    return nodes, tuple(outside), both_read if reads else None


def _actor(rules: Rules, logs: bool) -> Callable[[], Node]:
    return lambda: Actor(rules, logs)


def both_read(label_a: str, a: Any, label_b: str, b: Any) -> bool:
    return label_a == "r" and label_b == "r"


def _actions(
    draw: random.Random, label: str, names: Sequence[str], timers: bool, forwards: bool, reads: bool
) -> list[Action]:
    made: list[Action] = []
    later = [one for one in LABELS if one > label] if label[0] != "!" else ["c", "d"]
    if label == "r":
        return [("send", draw.choice(names), "d")]
    for _ in range(draw.choice([1, 1, 2])):
        if not later:
            break
        kind = draw.random()
        if timers and kind < 0.35 and label in ("a", "b"):
            made.append((draw.choice(["arm", "arm", "cancel"]), "t"))
        elif forwards and kind < 0.6:
            made.append(("forward", draw.choice(later)))
        else:
            what = draw.choice([*later, *(["r"] if reads else [])])
            made.append(("send", draw.choice(names), what))
    return made


def _faults(draw: random.Random, names: Sequence[str]) -> list[External]:
    a, b = draw.sample(list(names), 2)
    both: list[list[External]] = [
        [External(Kind.CRASH, (a,)), External(Kind.RESTART, (a,))],
        [External(Kind.CRASH, (a,))],
        [External(Kind.CUT, (a, b)), External(Kind.HEAL, (a, b))],
        [External(Kind.CUT, (a, b), one_way=True)],
        [External(Kind.DROP, (a, b))],
        [External(Kind.DUPLICATE, (a, b))],
        [External(Kind.DROP, (a, b)), External(Kind.DROP, (b, a))],
    ]
    return draw.choice(both)
