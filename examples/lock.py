"""A lock server with leases.  A slow client does not notice that its lease ran out."""

from demi.events import External, Kind
from demi.interpose.actor import Node
from demi.interpose.actor_world import ActorWorld
from demi.oracle import Detail, StateInvariant
from demi.target import Choice, Profile, Target


class Server(Node):
    def __init__(self):
        self.holder = ""

    def on_message(self, ctx, sender, msg):
        if msg == "acquire" and not self.holder:
            self.holder = sender
            ctx.send(sender, "granted")
            ctx.set_timer("lease", after=10.0)
        elif msg == "release" and sender == self.holder:
            self.holder = ""
            ctx.cancel_timer("lease")

    def on_timer(self, ctx, name):  # the lease ran out
        self.holder = ""


class Client(Node):
    def __init__(self):
        self.holds = False

    def on_message(self, ctx, sender, msg):
        if msg == "work":  # from outside
            ctx.send("server", "acquire")
        else:
            self.holds = True
            ctx.set_timer("done", after=1.0)

    def on_timer(self, ctx, name):  # the work is done
        self.holds = False
        ctx.send("server", "release")


def make(config):
    nodes = {"server": Server, "a": Client, "b": Client}
    return ActorWorld(nodes, inputs={"work": lambda args: "work"}, timers=config["timers"])


def exclusive(view):
    a, b = view.state(1), view.state(2)  # their fields; None while down, but nobody crashes here
    return Detail(("a", "b"), "both hold the lock") if a["holds"] and b["holds"] else None


def work(draw, names, i):
    return [External(Kind.INJECT, (("a", "b")[draw(2)],), "work")]


TARGET = Target(
    name="lock",
    doc="a lock server with leases and two clients",
    make=make,
    invariants=lambda config: [StateInvariant("MutualExclusion", "one holder", exclusive)],
    profile=lambda config: Profile(choices=(Choice("work", 1.0, work),), items=(2, 8), steps=100),
    defaults={"timers": "free"},
)
