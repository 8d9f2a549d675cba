"""Pipelines: which passes run in which order, ours and those that others published.

The one insight: with the problem, the cache, the budget and the final verification the same, the table
of sizes and replays compares pass orders and nothing else.

Not here: the passes; what happens before and after them (`demi/minimizer/minimize.py`).
"""

from __future__ import annotations

from collections.abc import Mapping

from demi.errors import UsageError
from demi.minimizer.pipelines.cdd import CDD
from demi.minimizer.pipelines.ddmin import DDMIN
from demi.minimizer.pipelines.default import DEFAULT
from demi.minimizer.pipelines.demi_sts import DEMI_STS
from demi.minimizer.pipelines.demi_tfb import DEMI_TFB
from demi.minimizer.pipelines.inputs import INPUTS
from demi.minimizer.pipelines.no_diverge import NO_DIVERGE
from demi.minimizer.pipelines.pipeline import Pipeline
from demi.target import nearest

PIPELINES: Mapping[str, Pipeline] = {
    "default": DEFAULT,
    "demi-sts": DEMI_STS,
    "demi-tfb": DEMI_TFB,
    "no-diverge": NO_DIVERGE,
    "ddmin": DDMIN,
    "inputs": INPUTS,
    "cdd": CDD,
}


def find_pipeline(name: str) -> Pipeline:
    """A pipeline by name.  Raises UsageError naming the nearest."""
    if name not in PIPELINES:
        raise UsageError(
            f"no pipeline {name!r}", where="--pipeline", remedy=nearest(name, list(PIPELINES))
        )
    return PIPELINES[name]


__all__ = ["PIPELINES", "Pipeline", "find_pipeline"]
