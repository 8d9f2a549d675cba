"""Wildcards: a delivery asks for a message *type* on its link instead of one content (DEMi's TFB).

The one insight: after one election less, every later term differs although nothing that matters did;
asking for "the newest AppendEntries from n1 to n2" lets the rest of the run follow.  Choosing the newest
match is the single most productive step DEMi measured.

Not here: backtracking over other matches (a search, injected later).
"""

from __future__ import annotations

from dataclasses import replace

from demi.minimizer.runs import Plan
from demi.scheduler.sts import Match


def matching(plan: Plan, match: Match) -> Plan:
    """Every delivery is matched in that way."""
    return tuple(
        want if want.external is not None or want.match is match else replace(want, match=match)
        for want in plan
    )


def newest(plan: Plan) -> Plan:
    """Every delivery matches the newest message of its type on its link."""
    return matching(plan, Match.NEWEST)


def by_cause(plan: Plan) -> Plan:
    """Every delivery matches what the same event sent; if that did not happen, as `newest`."""
    return matching(plan, Match.CAUSE)
