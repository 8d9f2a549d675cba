"""Policy: who may reach whom, who must not, and through which switch.

The one insight: the default (everybody reaches everybody) needs no file, so a policy only lists what is
special.

    {"isolate": [["h1", "h3"]], "waypoint": [["h1", "h2", "s3"]], "reach": [["h1", "h2"]]}

Pairs are ordered: from, to.  With "reach", only those pairs must be reachable; without it all others.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from demi.errors import TargetError
from demi.target import nearest
from targets.sdn.network.topology import Topology

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Policy:
    """isolate: pairs that must not reach one another.  waypoint: pair -> switch.  reach: None for all."""

    isolate: frozenset[Pair] = frozenset()
    waypoint: Mapping[Pair, str] | None = None
    reach: frozenset[Pair] | None = None

    def must_reach(self, src: str, dst: str) -> bool:
        """Should packets from src arrive at dst?"""
        if (src, dst) in self.isolate:
            return False
        return self.reach is None or (src, dst) in self.reach


def find_policy(text: str, topology: Topology) -> Policy:
    """A policy from a file or from inline JSON, "" for the default.  Raises TargetError."""
    if not text:
        return Policy()
    where = "policy" if text.startswith("{") else text
    try:
        found = json.loads(text if text.startswith("{") else Path(text).read_text("utf-8"))
    except OSError as error:
        raise TargetError(f"cannot read the policy: {error.strerror}", where=where) from error
    except ValueError as error:
        raise TargetError(f"the policy is not JSON: {error}", where=where) from error
    words = ("isolate", "waypoint", "reach")
    if not isinstance(found, dict):
        raise TargetError("a policy is an object", where=where, remedy="known: " + ", ".join(words))
    for word in found:
        if word not in words:
            raise TargetError(f"no rule {word!r}", where=where, remedy=nearest(word, words))
    isolate = [_row(where, topology, "isolate", row, 2) for row in found.get("isolate", [])]
    points = [_row(where, topology, "waypoint", row, 3) for row in found.get("waypoint", [])]
    reach = [_row(where, topology, "reach", row, 2) for row in found.get("reach", [])]
    return Policy(
        frozenset((row[0], row[1]) for row in isolate),
        {(row[0], row[1]): row[2] for row in points},
        frozenset((row[0], row[1]) for row in reach) if "reach" in found else None,
    )


def _row(where: str, topology: Topology, word: str, row: object, size: int) -> list[str]:
    if not isinstance(row, list) or len(row) != size:
        raise TargetError(f"a rule of {word} has {size} names, not {row!r}", where=where)
    for name, known in zip(row, (topology.hosts, topology.hosts, topology.switches), strict=False):
        if name not in known:
            kind = "switch" if known is topology.switches else "host"
            raise TargetError(
                f"{word} names an unknown {kind} {name!r}", where=where,
                remedy=nearest(str(name), list(known)),
            )  # fmt: skip
    return [str(name) for name in row]
