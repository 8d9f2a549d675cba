"""Two branches of a bank, unmodified threads and sockets.  A transfer that crosses another loses money.

demi fuzz examples/bank.py                          # locks=none: an update is lost
demi fuzz examples/bank.py --set locks=held         # a lock is held while asking: a deadlock
demi fuzz examples/bank.py --set locks=right        # nothing to find
"""

from pathlib import Path
from typing import NamedTuple

from demi.events import External, Kind
from demi.interpose.framing import Lines
from demi.interpose.threads.program import Program
from demi.interpose.threads.world import ThreadsWorld
from demi.oracle import Detail, StateInvariant
from demi.target import Choice, Profile, Target

SERVER = Path(__file__).with_name("bank_server.py")


class Branch(NamedTuple):
    balance: int
    giving: int  # transfers that have begun and not ended
    blocked: bool  # one of them waits for the other branch, and so does a request for the lock


def observe(threads, modules):
    giving = [waits for name, waits in threads.items() if name.startswith("transfer")]
    asked = [waits for name, waits in threads.items() if name.startswith("process_request")]
    return Branch(
        modules["bank_server"].BALANCE[0], len(giving), "bytes" in giving and "a lock" in asked
    )


def transfer(modules, args):
    modules["bank_server"].transfer(args["to"], args["amount"])


def money_is_kept(view):
    branches = [view.state(node) for node in range(len(view.names))]
    total = sum(branch.balance for branch in branches)
    if total != 200 and not any(branch.giving for branch in branches):
        return Detail(tuple(view.names), f"the branches hold {total}, not 200")
    return None


def no_deadlock(view):
    if all(view.state(node).blocked for node in range(len(view.names))):
        return Detail(tuple(view.names), "each branch holds its lock and waits for the other's")
    return None


def give(draw, names, i):
    a = draw(2)
    return [
        External(Kind.INJECT, (names[a],), "transfer", {"amount": 1 + draw(20), "to": names[1 - a]})
    ]


def make(config):
    program = Program(f"{SERVER}:serve", environ={"BANK_LOCKS": config["locks"]})
    return ThreadsWorld(
        {"n1": program, "n2": program},
        observe=observe,
        inputs={"transfer": transfer},
        decoder=lambda port: Lines(),
        timers="free",
    )


TARGET = Target(
    name="bank",
    doc="two threaded TCP servers that transfer money to each other",
    make=make,
    invariants=lambda config: [
        StateInvariant("MoneyKept", "no transfer makes or loses money", money_is_kept),
        StateInvariant("NoDeadlock", "the branches do not wait for each other", no_deadlock),
    ],
    profile=lambda config: Profile(
        choices=(Choice("transfer", 1.0, give),), items=(2, 6), spacing=(0, 6)
    ),
    defaults={"locks": "none"},
)
