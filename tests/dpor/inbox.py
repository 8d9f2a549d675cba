"""Mailbox delivery with sends as events of their own, as Concuerror and TraceForge count it.

A handler fills its node's outbox; sending one message is a step, and a node with something in its outbox
takes no message.  Only a ruler for counts: the product's mailbox has atomic handlers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from demi.events import Event, Kind
from demi.interpose.actor_world import ActorWorld
from demi.interpose.world import Step

TIMER, DELIVER = int(Kind.TIMER), int(Kind.DELIVER)


class InboxWorld(ActorWorld):
    """An ActorWorld over a mailbox whose sends are steps (shown as timers of slot 0)."""

    def reset(self, seed: int) -> Step:
        self.outbox: list[tuple[tuple[int, int, Any], ...]] = [()] * len(self.names)
        self.numbers = [0] * len(self.names)
        return super().reset(seed)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "push":  # `reset` binds the network's: sends go to the outbox instead
            super().__setattr__("really_push", value)
            value = self.keep
        super().__setattr__(name, value)

    def keep(self, src: int, dst: int, packet: Any) -> Event:
        n = self.numbers[src]
        self.numbers[src] = n + 1
        self.outbox[src] += ((n, dst, packet),)
        return (TIMER, src, 0, n)

    def enabled(self) -> Sequence[Event]:
        busy = {node for node, waiting in enumerate(self.outbox) if waiting}
        ready = [event for event in super().enabled() if event[1] not in busy]
        return sorted(ready + [(TIMER, node, 0, self.outbox[node][0][0]) for node in busy])

    def allowed(self, event: Event) -> bool:
        return event in self.enabled()

    def take(self, event: Event) -> Step:
        kind, node, _, _ = event
        if kind != TIMER:
            return super().take(event)
        (_, dst, packet), *rest = self.outbox[node]
        self.outbox[node] = tuple(rest)
        self.current = step = Step(event)
        step.sent = [self.really_push(node, dst, packet)]
        return step

    def digest(self) -> bytes:
        return super().digest() + repr(self.outbox).encode()

    def checkpoint(self) -> object:
        return super().checkpoint(), tuple(self.outbox), tuple(self.numbers)

    def restore(self, saved: Any) -> None:
        base, outbox, numbers = saved
        super().restore(base)
        self.outbox, self.numbers = list(outbox), list(numbers)
