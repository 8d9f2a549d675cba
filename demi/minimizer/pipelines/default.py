"""Ours: cheap passes that cut a lot first, every pass from the best run so far, until nothing changes.

Internal events go before external ones: beginnings and clocks cut a run of thousands to a hundred in some
fifty replays, most of them short, and only then is every input tried.
"""

from __future__ import annotations

from demi.minimizer.beginnings import drop_beginnings
from demi.minimizer.chunks import remove_chunks
from demi.minimizer.clocks import remove_clocks
from demi.minimizer.clusters import remove_clusters
from demi.minimizer.externals import remove_externals
from demi.minimizer.hops import hop
from demi.minimizer.loops import cut_loops
from demi.minimizer.order import reorder
from demi.minimizer.pipelines.pipeline import Pass, Pipeline
from demi.minimizer.problem import Problem, Run
from demi.minimizer.provenance import provenance
from demi.minimizer.search import search
from demi.minimizer.windows import remove_windows

SETTLING: tuple[Pass, ...] = (remove_externals, drop_beginnings, remove_chunks, remove_windows)


def settle(problem: Problem, run: Run) -> Run:
    """Deletion only, until nothing changes: the local minimum of a run."""
    while True:
        before = run.size
        for work in SETTLING:
            run = work(problem, run)
        if run.size == before:
            return run


STEPS = (
    8_000  # of the world, in a round: under a second; a proof may have more (`minimize(prove=...)`)
)


def searched(problem: Problem, run: Run) -> Run:
    """Forward search within a fixed effort, once for each run."""
    if proven(problem, run) or problem.notes.get("searched") is run:
        return run
    found = search(problem, run, STEPS)
    problem.notes["searched"] = found
    return found


def proof(problem: Problem, run: Run) -> Run:
    """The same in the final order of events, with the effort that was asked for."""
    return run if proven(problem, run) else search(problem, run, problem.prove or STEPS)


def proven(problem: Problem, run: Run) -> bool:
    """Has a search from the beginning found nothing shorter?  True of every order of the events."""
    bound = problem.bound
    return bound is not None and bound.anchor == 0 and bound.events == len(run.plan)


def hops(problem: Problem, run: Run) -> Run:
    """From local minimum to local minimum, unless no shorter run exists."""
    if proven(problem, run):
        return run
    return hop(problem, run, settle)


DEFAULT = Pipeline(
    "all passes of demi, repeated until nothing changes",
    once={"provenance": provenance},
    rounds={
        "beginnings": drop_beginnings,
        "clocks": remove_clocks,
        "externals": remove_externals,
        "internals": remove_chunks,
        "loops": cut_loops,
        "clusters": remove_clusters,
        "windows": remove_windows,
        "search": searched,
        "hops": hops,
    },
    last={"order": reorder, "proof": proof},
    certified=True,
)
