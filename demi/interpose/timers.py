"""Timer policies: which armed timers may fire next.

The one insight: real time is one adversary among several, so the rule is a knob that every trace states.

free: any armed timer (as DEMi).  bounded(h): a timer due within h seconds of now may overtake messages,
which bounds how late a message can be.  ordered: the earliest deadline, and only when no message can be
delivered.  Under free each node has its own clock, so a firing touches one node only; under the others
there is one clock.

Not here: what firing does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from zlib import crc32

from demi.errors import ContractError, TargetError
from demi.events import Event, Kind, valid_label

TIMER = int(Kind.TIMER)
DELIVERY_SECONDS = 0.0005  # virtual time a step takes: small against any timeout, above zero


@dataclass(frozen=True, slots=True)
class TimerPolicy:
    """word: free, bounded or ordered.  horizon: seconds, for bounded."""

    word: str
    horizon: float = 0.0

    def __str__(self) -> str:
        return f"bounded({self.horizon:g})" if self.word == "bounded" else self.word


def parse_policy(text: str) -> TimerPolicy:
    """`free`, `ordered` or `bounded(0.25)`.  Raises TargetError otherwise."""
    if text in ("free", "ordered"):
        return TimerPolicy(text)
    match = re.fullmatch(r"bounded\((\d+(?:\.\d+)?)\)", text)
    if match is None:
        raise TargetError(
            f"unknown timer policy {text!r}", remedy="known: free, ordered, bounded(SECONDS)"
        )
    return TimerPolicy("bounded", float(match.group(1)))


_SLOTS: dict[str, int] = {}
_NAMES: dict[int, str] = {}


def timer_slot(name: str) -> int:
    """The slot of a timer name in events: independent of the order in which names appear."""
    slot = _SLOTS.get(name)
    if slot is None:
        if not (isinstance(name, str) and valid_label(name)):
            raise ContractError(
                f"{name!r} cannot be a timer name", remedy="use printable text without #"
            )
        slot = crc32(name.encode())
        other = _NAMES.setdefault(slot, name)
        if other != name:
            raise ContractError(f"timers {other!r} and {name!r} share a slot", remedy="rename one")
        _SLOTS[name] = slot
    return slot


Armed = dict[tuple[int, int], tuple[int, str, float]]
"""(node, slot) -> (n-th arming, name, deadline in virtual seconds)."""


def may_fire(policy: TimerPolicy, armed: Armed, now: float, deliveries: bool) -> list[Event]:
    """The enabled timer events under an ordered or bounded policy, sorted.

    deliveries: some message can be delivered now.
    """
    if not armed:
        return []
    earliest = min(deadline for _, _, deadline in armed.values())
    if policy.word == "ordered":
        if deliveries:
            return []
        limit = earliest
    else:
        limit = now + policy.horizon if deliveries else max(earliest, now + policy.horizon)
    return sorted(
        (TIMER, node, slot, n)
        for (node, slot), (n, _, deadline) in armed.items()
        if deadline <= limit
    )
