"""How each study is fuzzed: DEMi's published set-up, with event weights of our own.

From the paper: the bootstrap of every node, the number of commands, the cap on steps, the strategy; in
three studies a wait for some leader before the commands, fewer election timers, and after the first
commit an election forced at a node other than the leader that committed.
Ours: heartbeats are rarer than other events, because a timer that repeats is always there to be
picked and would crowd out the deliveries; and what a study needs slow is slow (a new leader's message
to itself, a candidate's; in raft-56 all that begins something, so that four nodes stay candidates of one
term while one of them wins it).

The one insight: a fair coin between timers and messages elects for ever and replicates nothing, so the
relation of timers to messages decides what a run can show.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from demi.events import External, Item, Kind, Nudge, Wait
from demi.target import Choice, Config, Profile
from targets.raft.smaller import names_of

TIMERS = {"!election": 0.3, "!heartbeat": 0.1}


@dataclass(frozen=True, slots=True)
class Study:
    """One set-up.  led: with the wait for a leader and the forced election.

    spacing: steps between commands; (0, 0) offers all at once, and the weights say how soon each goes.
    """

    clients: int = 100
    led: bool = False
    spacing: tuple[int, int] = (0, 0)
    steps: int = 3000
    strategy: str = "srcdstfifo"
    weights: Mapping[str, float] = field(default_factory=lambda: TIMERS)


STUDIES = {
    "raft-56": Study(
        weights={
            "!election": 0.003,
            "!heartbeat": 0.01,
            "BeginElection": 0.003,
            "RequestVote": 0.03,
            "client": 0.03,
        },
    ),
    "raft-58a": Study(
        led=True,
        spacing=(1, 10),
        weights={
            "!election": 0.1,
            "!heartbeat": 0.5,
            "AppendEntries": 0.3,
            "ElectedAsLeader": 0.05,
        },
    ),
    "raft-58b": Study(clients=200, spacing=(1, 20)),
    "raft-42": Study(clients=200, led=True, weights={**TIMERS, "client": 0.3}),
    "raft-66": Study(
        clients=60,
        led=True,
        steps=1000,
        strategy="random",
        weights={"!election": 0.1, "!heartbeat": 0.1, "BeginElection": 0.1},
    ),
}
STUDIES["raft-42-max"] = STUDIES["raft-42"]
STUDIES["fixed"] = Study(led=True)


def client(draw: Callable[[int], int], names: Sequence[str], i: int) -> Sequence[External]:
    """The i-th command, to any node."""
    return (External(Kind.INJECT, (names[draw(len(names))],), "client", {"cmd": f"c{i + 1}"}),)


def profile(config: Config) -> Profile:
    """The set-up of a variant's study; raft-45 and 46 share the plain one."""
    study = STUDIES.get(config["variant"], Study())
    names = names_of(config)
    prefix: list[Item] = [External(Kind.INJECT, (name,), "bootstrap") for name in names]
    postfix: list[Item] = []
    if study.led:
        prefix.append(Wait(steps=500, condition="leader"))
        postfix = [Wait(steps=1000, condition="commit"), Nudge("rival")]
    return Profile(
        prefix=tuple(prefix),
        choices=(Choice("client", 1.0, client),),
        items=(study.clients, study.clients),
        spacing=study.spacing,
        postfix=tuple(postfix),
        steps=study.steps,
        weights=study.weights,
        strategy=study.strategy,
    )
