"""What DEMi's authors published of each bug, and what is to be reached.

Figures are single runs of 2015-16 (Scott et al., NSDI 2016, table 1 and the raw results), of akka-raft and
Spark themselves; ours re-model the same node.  Sizes are deliveries: messages, timers and inputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from demi.target import Target
from targets.raft import TARGET as RAFT
from targets.spark import TARGET as SPARK


class Bug(NamedTuple):
    """A bug of a target.  settings: its form, and `name` the bug it is one of.

    deliveries: the fewest in an original.  initial, left, schedules: DEMi's; by_hand: the run its authors
    made by hand; reach: what we ought to reach without leaving nodes out.
    """

    target: Target
    name: str
    settings: Mapping[str, Any]
    deliveries: int
    initial: int
    left: int
    schedules: int
    by_hand: int
    reach: int


def raft(variant: str, initial: int, left: int, schedules: int, by_hand: int, reach: int) -> Bug:
    """A bug of raft; originals are at least as long as DEMi's."""
    name = variant.removesuffix("-max")
    return Bug(RAFT, name, {"variant": variant}, initial, initial, left, schedules, by_hand, reach)


def spark(bug: str, initial: int, left: int, schedules: int, by_hand: int) -> Bug:
    """A bug of spark, whose model is a hundred lines: its runs are as long as they are."""
    return Bug(SPARK, bug, {}, 0, initial, left, schedules, by_hand, by_hand)


BUGS = {
    "raft-45": raft("raft-45", 2160, 23, 3448, 22, 22),
    "raft-46": raft("raft-46", 1250, 35, 4902, 23, 23),
    "raft-56": raft("raft-56", 2380, 82, 31673, 21, 21),
    "raft-58a": raft("raft-58a", 2850, 226, 835596, 51, 38),
    "raft-58b": raft("raft-58b", 1500, 40, 2087, 28, 26),
    "raft-42": raft("raft-42", 1710, 180, 177085, 39, 32),
    "raft-42-max": raft("raft-42-max", 1710, 180, 177085, 39, 27),  # DEMi's: of the other tie-break
    "raft-66": raft("raft-66", 400, 77, 10526, 29, 28),
    "spark-2294": spark("spark-2294", 1000, 40, 326, 25),
    "spark-3150": spark("spark-3150", 600, 14, 195, 11),
    "spark-9256": spark("spark-9256", 300, 11, 73, 11),
}
