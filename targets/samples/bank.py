"""W0 and W1: a server of accounts, clients that call it in turn, and chatters that only make noise.

The one insight: a client is a list of calls, each of which awaits its reply, so a workload is data and
the only choice is whose call is served next.

W0 breaks in nearly every order, the plainest too: the question is how much of the noise a minimizer leaves.
W1 holds in the plain order and breaks only if one client overtakes a dozen calls of another: the question
is who finds it, and whether the answer names the two calls that were reversed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from demi.interpose.actor import Context, Node
from demi.interpose.actor_world import ActorWorld
from demi.interpose.world import World
from demi.oracle import Detail, Invariant, StateInvariant, View
from demi.target import Config, Profile, Target

SERVER = "server"
OPENING = 100


@dataclass(frozen=True, slots=True)
class Get:
    """What is in an account?"""

    account: int


@dataclass(frozen=True, slots=True)
class Put:
    """Set an account to what the last `Get` told, plus `change`; `amount` is filled in by the client."""

    account: int
    change: int
    amount: int = 0


@dataclass(frozen=True, slots=True)
class Add:
    """Change an account in one call."""

    account: int
    change: int


@dataclass(frozen=True, slots=True)
class Ping:
    """Nothing."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The call was served; the amount of its account."""

    amount: int = 0


Call = Get | Put | Add | Ping


class Server(Node):
    """The accounts."""

    def __init__(self, accounts: int) -> None:
        self.amounts = [OPENING] * accounts

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        if isinstance(msg, Put):
            self.amounts[msg.account] = msg.amount
        elif isinstance(msg, Add):
            self.amounts[msg.account] += msg.change
        amount = 0 if isinstance(msg, Ping) else self.amounts[msg.account]
        ctx.send(sender, Reply(amount))


class Client(Node):
    """Makes its calls one after another.  left: those without a reply."""

    def __init__(self, calls: Sequence[Call]) -> None:
        self.calls = tuple(calls)
        self.made = 0
        self.left = len(self.calls)

    def on_start(self, ctx: Context) -> None:
        self._call(ctx, 0)

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        self.left -= 1
        self._call(ctx, msg.amount)

    def _call(self, ctx: Context, told: int) -> None:
        if self.made < len(self.calls):
            call = self.calls[self.made]
            self.made += 1
            if isinstance(call, Put):
                call = Put(call.account, call.change, told + call.change)
            ctx.send(SERVER, call)


class Seen(NamedTuple):
    """amounts: the server's.  left: calls of a client that matter and have no reply."""

    amounts: tuple[int, ...] = ()
    left: int = 0


def observe(node: Server | Client) -> Seen:
    """Pings do not matter."""
    if isinstance(node, Server):
        return Seen(tuple(node.amounts))
    done = len(node.calls) - node.left
    return Seen(left=sum(1 for call in node.calls[done:] if not isinstance(call, Ping)))


def target(
    name: str, doc: str, calls: Mapping[str, Sequence[Call]], accounts: int, total: int
) -> Target:
    """A workload.  calls: by client, in order of start.  total: of all accounts in the end."""

    def make(config: Config) -> World:
        nodes: dict[str, Any] = {SERVER: lambda: Server(accounts)}
        for client, script in calls.items():
            nodes[client] = lambda script=script: Client(script)
        return ActorWorld(nodes, observe=observe)

    def conserved(view: View) -> Detail | None:
        states = [view.state(node) for node in range(len(view.names))]
        if any(seen.left for seen in states):
            return None
        found = sum(states[0].amounts)
        text = f"all is done, and {found} is there instead of {total}"
        return None if found == total else Detail((SERVER,), text)

    def invariants(config: Config) -> Sequence[Invariant]:
        return [StateInvariant("Conserved", "what was put in is there when all is done", conserved)]

    steps = 2 * sum(len(script) for script in calls.values()) + 1
    profile = Profile(steps=steps, strategy="pct")
    return Target(name, doc, make, invariants, lambda config: profile)


def _w0() -> Target:
    calls: dict[str, Sequence[Call]] = {}
    for number in range(3):
        follower = (number + 1) % 3
        rounds: list[Call] = [Add(number, -1), Add(follower, 1)] * 6
        if number < 2:
            rounds += [Get(0), Put(0, -5), Get(follower), Add(follower, 5)]
        calls[f"client{number}"] = rounds
    calls |= {f"chatter{number}": [Ping()] * 6 for number in range(8)}
    return target("w0", "transfers with lost updates, and eight chatters", calls, 3, 3 * OPENING)


def _w1() -> Target:
    twice: list[Call] = [Get(0), Put(0, 1)] * 2
    pings: list[Call] = [Ping()] * 12
    chatters = {f"chatter{number}": [Ping()] * 5 for number in range(6)}
    calls: dict[str, Sequence[Call]] = {
        "client0": [*twice, *pings], **chatters, "client1": [*pings, *twice],
    }  # fmt: skip
    return target(
        "w1", "two updates that only meet when one overtakes a dozen calls", calls, 1, OPENING + 4
    )


W0 = _w0()
W1 = _w1()
