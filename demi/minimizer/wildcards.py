"""Wildcards: a delivery asks for a message *type* on its link instead of one content (DEMi's TFB).

The one insight: after one election less, every later term differs although nothing that matters did;
asking for "the newest AppendEntries from n1 to n2" lets the rest of the run follow.  Choosing the newest
match is the single most productive step DEMi measured.

Not here: backtracking over other matches (a search, injected later).
"""

from __future__ import annotations

from dataclasses import replace

from demi.minimizer.chunks import remove_chunks
from demi.minimizer.problem import Plan, Problem, Run
from demi.scheduler.sts import Match


def newest(plan: Plan) -> Plan:
    """Every delivery matches the newest message of its type on its link."""
    return tuple(
        want
        if want.external is not None or want.match is Match.NEWEST
        else replace(want, match=Match.NEWEST)
        for want in plan
    )


def remove_with_wildcards(problem: Problem, run: Run) -> Run:
    """Chunked removal where what remains matches by type."""
    return remove_chunks(problem, run, newest)
