"""DEMi's STSSched column: ddmin over externals, then channel tails one at a time (NSDI'16, section 4).

Rebuilt from the description, not from the code: candidates are matched by content only (no mask, no
wildcard), ddmin is the one of 1999 (halves and interference, no complements, Zeller, ESEC 1999), and
internal removal is SrcDstFIFORemoval: the candidate is a timer, or the *last* delivery of some channel; a
channel whose tail cannot go is finished for good.  Nothing is repeated.

One difference: a timer's generation is always masked, as it was for them by their own wrapper.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from demi.minimizer.external_ddmin import Positions, Trial, atoms
from demi.minimizer.pipelines.pipeline import Pipeline
from demi.minimizer.problem import Problem, by_content
from demi.minimizer.provenance import provenance
from demi.minimizer.runs import Plan, Run
from demi.scheduler.sts import Wanted

Channel = tuple[int, int, int]
Candidate = tuple[Channel, int]
"""A timer's firing, or the last delivery of a channel (0), which is finished when that cannot go."""


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
    settled: set[Candidate] = set()
    while True:
        for at, candidate in _candidates(run.plan, settled):
            found = problem.test(run.plan[:at] + run.plan[at + 1 :])
            if found is not None and found.size < run.size:
                run = found
                break
            settled.add(candidate)
        else:
            return run


def _candidates(plan: Plan, settled: set[Candidate]) -> Iterator[tuple[int, Candidate]]:
    """Positions that may be tried, from the end; `settled` grows meanwhile.

    Which firing of its timer an event is is counted from the end, so that earlier removals keep it.
    """
    seen: Counter[Channel] = Counter()
    for at in reversed(range(len(plan))):
        want = plan[at]
        if want.external is not None:
            continue
        channel = _channel(want)
        candidate = channel, seen[channel]
        seen[channel] += 1
        if candidate not in settled and (want.is_timer or not candidate[1]):
            yield at, candidate


def _channel(want: Wanted) -> Channel:
    choice = want.choice
    assert isinstance(choice, tuple)  # internal
    return choice[0], choice[1], choice[2]


DEMI_STS = Pipeline(
    "DEMi's STSSched: ddmin of 1999 over externals, then channel tails one at a time",
    once={"provenance": provenance, "externals": halves, "tails": channel_tails},
    oracle=by_content,
)
