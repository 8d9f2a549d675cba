"""DEMi's STSSched column: ddmin over externals, then channel tails one at a time (NSDI'16, section 4).

Rebuilt from the description, not from the code: candidates are matched by content only (no mask, no
wildcard), ddmin is the one of 1999 (halves and interference, no complements, Zeller, ESEC 1999), and
internal removal is SrcDstFIFORemoval: the candidate is a timer, or the *last* delivery of some channel; a
channel whose tail cannot go is finished for good.  Nothing is repeated.

One difference: a timer's generation is always masked, as it was for them by their own wrapper.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from demi.minimizer.external_ddmin import Positions, Trial, atoms
from demi.minimizer.pipelines.pipeline import Pipeline
from demi.minimizer.problem import Plan, Problem, Run, by_content
from demi.minimizer.provenance import provenance
from demi.scheduler.sts import Wanted

Channel = tuple[int, int, int]


def halves(problem: Problem, run: Run) -> Run:
    """ddmin of 1999 over atomic groups of externals."""
    fails = Trial(problem, run)
    halved(atoms(run), fails)
    return fails.best


def halved(every: list[Positions], fails: Callable[[Sequence[Positions]], bool]) -> list[Positions]:
    """ddmin of 1999: halves, and where neither fails, each with all of the other (interference)."""

    def reduce(some: list[Positions], rest: list[Positions]) -> list[Positions]:
        if len(some) <= 1:
            return some
        left, right = some[: len(some) // 2], some[len(some) // 2 :]
        for half in (left, right):
            if fails(sorted(half + rest)):
                return reduce(half, rest)
        return reduce(left, right + rest) + reduce(right, left + rest)

    kept = sorted(reduce(every, []))
    fails(kept)  # DEMi replays the result once; it must not be larger than what was met
    return kept


def channel_tails(problem: Problem, run: Run) -> Run:
    """SrcDstFIFORemoval: timers anywhere, deliveries only at the end of their channel."""
    stuck: set[Channel] = set()  # channels that are finished
    kept_timers: set[tuple[Channel, int]] = set()
    while True:
        for at in _candidates(run.plan, stuck, kept_timers):
            found = problem.test(run.plan[:at] + run.plan[at + 1 :])
            if found is not None and found.size < run.size:
                run = found
                break
            want = run.plan[at]
            if want.is_timer:
                kept_timers.add((_channel(want), _occurrence(run.plan, at)))
            else:
                stuck.add(_channel(want))
        else:
            return run


def _candidates(plan: Plan, stuck: set[Channel], kept: set[tuple[Channel, int]]) -> Iterator[int]:
    """Positions that may be tried, from the end; `stuck` and `kept` grow meanwhile."""
    seen: set[Channel] = set()
    for at in reversed(range(len(plan))):
        want = plan[at]
        if want.external is not None:
            continue
        channel = _channel(want)
        if want.is_timer:
            if (channel, _occurrence(plan, at)) not in kept:
                yield at
        elif channel not in seen:
            seen.add(channel)
            if channel not in stuck:
                yield at


def _channel(want: Wanted) -> Channel:
    choice = want.choice
    assert isinstance(choice, tuple)  # internal
    return choice[0], choice[1], choice[2]


def _occurrence(plan: Plan, at: int) -> int:
    """Which firing of its timer an event is, counted from the end, so that earlier removals keep it."""
    channel = _channel(plan[at])
    later = plan[at + 1 :]
    return sum(1 for w in later if w.external is None and _channel(w) == channel)


DEMI_STS = Pipeline(
    "DEMi's STSSched: ddmin of 1999 over externals, then channel tails one at a time",
    once={"provenance": provenance, "externals": halves, "tails": channel_tails},
    oracle=by_content,
)
