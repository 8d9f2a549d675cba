"""A primary and a backup that keep one value: every part of a target in use, and two known bugs.

The outside writes to the primary.  The primary saves the write, sends it to the backup, and confirms
it once the backup has it.  Either may crash.  `forgetful`: the primary does not save its writes.
`blind`: the backup takes any copy, even a late one of an older write.
"""

from dataclasses import dataclass
from typing import NamedTuple

from demi.events import External, Kind, Nudge, Wait
from demi.interpose.actor import Node
from demi.interpose.actor_world import ActorWorld
from demi.oracle import Detail
from demi.target import Bug, Choice, Profile, Target

PRIMARY, BACKUP = "primary", "backup"
RETRY_SECONDS = 1.0


@dataclass(frozen=True)
class Copy:
    number: int


@dataclass(frozen=True)
class Copied:
    number: int


class Primary(Node):
    def __init__(self, forgetful):
        self.forgetful = forgetful
        self.number = 0  # of the last write
        self.confirmed = 0  # of the last write that may be relied on

    def on_restart(self, ctx):  # a new object: only ctx.durable is left
        self.number = ctx.durable.get("number", 0)
        self.copy(ctx)

    def on_message(self, ctx, sender, msg):
        if isinstance(msg, Copied):
            self.confirm(ctx, msg.number)
            return
        self.number += 1
        if not self.forgetful:
            ctx.durable["number"] = self.number
        self.copy(ctx)

    def on_timer(self, ctx, name):
        self.copy(ctx)

    def copy(self, ctx):
        ctx.send(BACKUP, Copy(self.number))
        ctx.set_timer("retry", RETRY_SECONDS * (1 + ctx.random.random()))

    def confirm(self, ctx, number):
        if self.confirmed < number <= self.number:
            self.confirmed = number
            ctx.log(f"write {number} is safe")
        if number == self.number:
            ctx.cancel_timer("retry")


class Backup(Node):
    def __init__(self, blind):
        self.blind = blind
        self.number = 0

    def on_restart(self, ctx):
        self.number = ctx.durable.get("number", 0)

    def on_message(self, ctx, sender, msg):
        if self.blind or msg.number > self.number:
            self.number = ctx.durable["number"] = msg.number
        ctx.send(sender, Copied(msg.number))


class Seen(NamedTuple):
    """What invariants and pictures see of a node: few fields, immutable."""

    number: int
    confirmed: int


def observe(node):
    return Seen(node.number, getattr(node, "confirmed", 0))


def make(config):
    nodes = {
        PRIMARY: lambda: Primary(config["forgetful"]),
        BACKUP: lambda: Backup(config["blind"]),
    }
    return ActorWorld(
        nodes, observe=observe, network=config["network"], inputs={"write": lambda args: "write"}
    )


class Kept:
    """Memory: the highest confirmed write, and the highest that the backup had; never changed in place."""

    name = "Kept"
    doc = "no node goes back behind what was confirmed, or what it had copied"

    def start(self):
        return (0, 0)

    def check(self, view, memory):
        confirmed, copied = memory
        primary, backup = view.state(0), view.state(1)  # None while it is down
        if primary is not None:
            confirmed = max(confirmed, primary.confirmed)
            if primary.number < confirmed:
                text = f"write {confirmed} was confirmed, the primary is at {primary.number}"
                return memory, Detail((PRIMARY,), text, "primary")
        if backup is not None:
            if backup.number < copied:
                text = f"write {copied} was copied, the backup is at {backup.number}"
                return memory, Detail((BACKUP,), text, "backup")
            copied = backup.number
        return (confirmed, copied), None


def write(draw, names, i):
    return [External(Kind.INJECT, (PRIMARY,), "write")]


def crash(draw, names, i):  # two externals, one atomic group
    node = (names[draw(len(names))],)
    return [External(Kind.CRASH, node), External(Kind.RESTART, node)]


def profile(config):
    return Profile(
        prefix=(External(Kind.INJECT, (PRIMARY,), "write"), Wait(steps=50, condition="confirmed")),
        choices=(Choice("write", 3.0, write), Choice("crash", 1.0, crash)),
        items=(2, 8),
        spacing=(0, 5),
        postfix=(Nudge("retry"), Wait(steps=20)),
        steps=200,
        weights={"!retry": 0.3},
    )


def has_confirmed(view):
    return view.state(0) is not None and view.state(0).confirmed > 0


def retry(world):
    timers = [event for event in world.enabled() if event[0] == Kind.TIMER]
    return timers[0] if timers else None


TARGET = Target(
    name="store",
    doc="a primary and a backup that keep one value",
    make=make,
    invariants=lambda config: [Kept()],
    profile=profile,
    defaults={"forgetful": False, "blind": False, "network": "fifo"},
    bugs={
        "forgetful": Bug("forgetful", "writes are not saved", {"forgetful": True}, "Kept/primary"),
        "blind": Bug(
            "blind", "takes an older copy", {"blind": True, "network": "bag"}, "Kept/backup"
        ),
    },
    conditions={"confirmed": has_confirmed},
    selectors={"retry": retry},
)
