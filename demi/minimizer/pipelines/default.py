"""Ours: cheap passes that cut a lot first, every pass from the best run so far, until nothing changes.

Internal events go before external ones: beginnings and clocks cut a run of thousands to a hundred in some
fifty replays, most of them short, and only then is every input tried.  What is left then often fits into a
smaller system, in which the passes after that have far less to do; it is tried before single events go
(what is still superfluous helps the run to go on) and after.
Trees of sends are cut back before single events, so that noise goes in few replays.  Search takes steps and
no replays, and a proof ends everything, so it comes whenever a pass may have made the run short enough.
Events get their final order in every round, before the dearer passes: what these ask then is asked of the
run that is certified at the end, and the certificate need not ask again.
"""

from __future__ import annotations

from demi.minimizer.beginnings import drop_beginnings
from demi.minimizer.chunks import remove_chunks
from demi.minimizer.clocks import remove_clocks
from demi.minimizer.clusters import remove_clusters, remove_trees
from demi.minimizer.externals import remove_externals
from demi.minimizer.hops import hop
from demi.minimizer.loops import cut_loops
from demi.minimizer.order import reorder
from demi.minimizer.parts import leave_out, leave_out_loosely
from demi.minimizer.payload import shrink_payloads
from demi.minimizer.pipelines.pipeline import Pipeline
from demi.minimizer.postpone import postpone
from demi.minimizer.problem import Problem
from demi.minimizer.provenance import provenance
from demi.minimizer.runs import Run
from demi.minimizer.search import search
from demi.minimizer.tails import cut_tails
from demi.minimizer.windows import remove_windows


def settle(problem: Problem, run: Run, enough: int) -> Run:
    """The local minimum of a run under deletion; given up while it has more than `enough` events."""
    while True:
        before = run.size
        for work in (remove_trees, remove_chunks, remove_externals, remove_windows):
            run = work(problem, run)
            if len(run.plan) > enough:
                return run
        if run.size == before:
            return run


STEPS = 8_000  # of the world, each search: under a second; a proof may have more (`minimize(prove=...)`)
GLANCE = 1_000  # before the dearer passes: enough where few events may happen at a time
FAR = 40_000  # for a run of at most FAR_EVENTS, where a proof is near and ends everything
FAR_EVENTS = 30
FAR_TIMES = 2  # in a minimization


def glance(problem: Problem, run: Run) -> Run:
    """Forward search before the dearer passes, once for each run."""
    if len(run.plan) <= FAR_EVENTS:
        return searched(problem, run)
    if problem.notes.get("glanced") is not run:
        run = search(problem, run, GLANCE)
        problem.notes["glanced"] = run
    return run


def peek(problem: Problem, run: Run) -> Run:
    """A glance at what is long but may go one way only: it costs less than leaving out each event."""
    return glance(problem, run) if len(run.plan) > FAR_EVENTS else run


def searched(problem: Problem, run: Run) -> Run:
    """Forward search within a fixed effort, once for each run."""
    if problem.proven or problem.notes.get("searched") is run:
        return run
    steps, times = STEPS, problem.notes.get("far", 0)
    if len(run.plan) <= FAR_EVENTS and times < FAR_TIMES:
        problem.notes["far"] = times + 1
        steps = FAR
    found = search(problem, run, steps)
    problem.notes["searched"] = found
    return found


def proof(problem: Problem, run: Run) -> Run:
    """The same in the final order of events, with the effort that was asked for."""
    known = problem.bound if problem.proven else None
    if known is None or problem.prove:
        run = search(problem, run, problem.prove or STEPS, ordered=not problem.prove)
    if known is not None and not problem.proven and known.events == len(run.plan):
        problem.bound = known
    return run


def hops(problem: Problem, run: Run) -> Run:
    """From local minimum to local minimum, unless no shorter run exists."""
    return run if problem.proven else hop(problem, run, settle)


DELETE = (
    "beginnings", "clocks", "externals", "parts", "tails", "internals", "system", "loops", "windows",
    "clusters",
)  # fmt: skip

DEFAULT = Pipeline(
    "all passes of demi, repeated until nothing changes",
    once={"provenance": provenance},
    rounds={
        "beginnings": drop_beginnings,
        "clocks": remove_clocks,
        "externals": remove_externals,
        "parts": leave_out_loosely,
        "tails": cut_tails,
        "peek": peek,
        "internals": remove_chunks,
        "system": leave_out,
        "glance": glance,
        "tidy": reorder,
        "loops": cut_loops,
        "later": postpone,
        "windows": remove_windows,
        "look": glance,
        "clusters": remove_clusters,
        "search": searched,
        "hops": hops,
    },
    free=frozenset(DELETE),
    last={"payloads": shrink_payloads, "order": reorder, "proof": proof},
    certified=True,
)
