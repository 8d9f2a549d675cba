"""Ours: cheap passes that cut a lot first, every pass from the best run so far, until nothing changes."""

from __future__ import annotations

from demi.minimizer.chunks import exact, remove_chunks
from demi.minimizer.clusters import remove_clusters
from demi.minimizer.external_ddmin import external_ddmin
from demi.minimizer.order import reorder
from demi.minimizer.pairs import remove_pairs
from demi.minimizer.pipelines.pipeline import Pipeline
from demi.minimizer.problem import Problem, Run
from demi.minimizer.provenance import provenance
from demi.minimizer.spans import remove_spans
from demi.minimizer.wildcards import remove_with_wildcards


def _internals(problem: Problem, run: Run) -> Run:
    return remove_chunks(problem, run, exact)


DEFAULT = Pipeline(
    "all passes of demi, repeated until nothing changes",
    once={"provenance": provenance},
    rounds={
        "externals": external_ddmin,
        "internals": _internals,
        "wildcards": remove_with_wildcards,
        "spans": remove_spans,
        "clusters": remove_clusters,
        "pairs": remove_pairs,
    },
    last={"order": reorder},
    certified=True,
)
