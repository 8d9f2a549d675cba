"""What differs between the branches of akka-raft on which DEMi's case studies were recorded.

The one insight: each known bug is a small set of behaviours that a branch had and a later one lost, so
the node reads named behaviours and never the name of a bug, and "fixed" is simply all of them off.

Not here: how a behaviour looks in code (`node.py`, `log.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Variant:
    """Behaviours that deviate from the repaired node; all off is "fixed".

    zero_based: the old log.  Indices from 0, so that "before the first entry", "after an empty log"
      and "the first entry" are all 0; a follower does not look at the previous entry; an empty
      AppendEntries only postpones the election; a leader believes any success.
    counts_every_vote: votes are counted, not voters (raft-45).
    trusts_stale_terms: a candidate does not compare the term of a vote with its own (raft-46).
    forgets_votes: a candidate that steps down forgets whom it voted for (raft-56).
    candidate_votes: a candidate that has not voted votes and stays a candidate; later it steps down.
    late_tables: the tables of a leader are made when ElectedAsLeader arrives, not when it wins (58a).
    commit: "order": what a majority stores; "mode": the most frequent match index (raft-42), its
      ties broken as Scala's hash map does; "mode-max": ties to the highest.
    always_truncates: the log is cut behind what arrives even when nothing conflicts (raft-66).
    blind_votes: a vote does not need an up-to-date log.
    quiet_votes: granting a vote does not postpone the voter's own election.
    restless: a candidate's timeout does not arm the timer again.
    """

    zero_based: bool = False
    counts_every_vote: bool = False
    trusts_stale_terms: bool = False
    forgets_votes: bool = False
    candidate_votes: bool = False
    late_tables: bool = False
    commit: str = "order"
    always_truncates: bool = False
    blind_votes: bool = False
    quiet_votes: bool = False
    restless: bool = False


VARIANTS = {
    "fixed": Variant(),
    "raft-45": Variant(counts_every_vote=True),
    "raft-46": Variant(trusts_stale_terms=True),
    # A candidate that steps down before it votes has nothing to forget: as on the branch of the study,
    # it votes and stays one.
    "raft-56": Variant(forgets_votes=True, candidate_votes=True),
    "raft-58a": Variant(late_tables=True),
    # The ambiguous index only does harm in its own company: the whole branch.
    "raft-58b": Variant(
        zero_based=True,
        candidate_votes=True,
        late_tables=True,
        commit="mode",
        always_truncates=True,
        blind_votes=True,
        quiet_votes=True,
        restless=True,
    ),
    "raft-42": Variant(commit="mode"),
    "raft-42-max": Variant(commit="mode-max"),
    "raft-66": Variant(always_truncates=True),
}


def commit_index(rule: str, match: Sequence[int]) -> int:
    """The index that the match indices of all members allow to commit."""
    if rule == "order":
        return sorted(match)[(len(match) + 1) // 2 - 1]
    counts = {index: match.count(index) for index in match}
    most = max(counts.values())
    tied = [index for index in counts if counts[index] == most]
    return max(tied) if rule == "mode-max" else max(reversed(tied), key=_scala_bucket)


def _scala_bucket(index: int) -> int:
    """Bucket of an Int in a 16-bucket scala.collection.mutable.HashMap.

    Iteration goes from high buckets to low, and within one from the newest.
    """
    mixed = (index * 0x9E3775CD) & 0xFFFFFFFF
    mixed = int.from_bytes(mixed.to_bytes(4, "big"), "little")
    mixed = (mixed * 0x9E3775CD) & 0xFFFFFFFF
    rotated = (mixed >> 4) | (mixed << 28)
    return (rotated >> 28) & 15
