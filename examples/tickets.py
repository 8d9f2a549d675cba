"""Wrong on purpose: the tickets are counted in the module, so no run begins where another began."""

import itertools

from demi.events import External, Kind
from demi.interpose.actor import Node
from demi.interpose.actor_world import ActorWorld
from demi.target import Choice, Profile, Target

TICKETS = itertools.count(1)  # belongs into the node, as `self.tickets = 0`


class Desk(Node):
    def on_message(self, ctx, sender, msg):
        ctx.send("guest", ("ticket", next(TICKETS)))


def ask(draw, names, i):
    return [External(Kind.INJECT, ("desk",), "ask")]


TARGET = Target(
    name="tickets",
    doc="a desk that numbers its guests; not repeatable",
    make=lambda config: ActorWorld({"desk": Desk, "guest": Node}),
    invariants=lambda config: [],
    profile=lambda config: Profile(choices=(Choice("ask", 1.0, ask),), items=(3, 3)),
)
