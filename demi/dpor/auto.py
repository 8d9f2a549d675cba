"""Classes or states: which of the two a search without a named algorithm goes on with.

The one insight: neither is faster everywhere (histories that merge favour states, runs that do not
favour classes), and both are cheap to try, so the program at hand decides after a second or two of each.

Only what is sound is chosen for its speed: where an invariant may compare nodes at one moment, classes
that were explored to the end are gone over again as states, if there are few enough.
A stateful search is sound for whatever the invariants say, in worlds whose digest holds all there is:
actors.
"""

from __future__ import annotations

from collections.abc import Callable

from demi.dpor.result import Result
from demi.dpor.tally import Ended

BLOCKED_SHARE_MAX = 0.5  # above it, optimal's dearer race analysis pays
TRY_RUNS, TRY_STATES = 3_000, 30_000  # a second or two each
COMPARED = "invariants may compare nodes at one moment, which classes do not cover"


def classes_or_states(
    search: Callable[..., Result], visit: Callable[[str, int], Result], both: bool, sound: bool
) -> Result:
    """search(algorithm, why, share of blocked runs to give up at, runs) and visit(why, states): one
    search each.  both: states may be searched.  sound: classes are, for these invariants.

    Both are tried for a fixed number of runs and of states; where neither ends, runs cut by their
    length decide: every class of every length is then explored, which states do once.
    """
    few = f"at most {BLOCKED_SHARE_MAX:.0%} of the runs were blocked"
    if both:
        tried = search("source", few, BLOCKED_SHARE_MAX, TRY_RUNS)
        if tried.ended is Ended.DONE and not sound and not tried.violations:
            seen = visit(COMPARED, TRY_STATES)
            return tried if seen.ended in (Ended.EXECUTIONS, Ended.SECONDS) else seen
        if tried.ended not in (Ended.EXECUTIONS, Ended.BLOCKED):
            return tried
        if tried.ended is Ended.EXECUTIONS:
            why = f"source had not ended after {TRY_RUNS:,} runs"
            seen = visit(why, TRY_STATES)
            if seen.ended is not Ended.EXECUTIONS:
                return seen
            if tried.cut:
                return visit(f"{tried.cut:,} of the first {TRY_RUNS:,} runs of source were cut", 0)
    result = search("source", few, BLOCKED_SHARE_MAX)
    if result.ended is Ended.BLOCKED:
        runs = result.executions + result.blocked
        result = search("optimal", f"{result.blocked} of {runs} runs of source were blocked")
    return result
