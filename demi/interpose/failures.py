"""A handler that raised, as a fact for the trace: where and what, the same in every process.

Not here: what the exception does to the node (its world).
"""

from __future__ import annotations

import re
from types import TracebackType

from demi.oracle import Failure

TEXT_MAX = 200  # characters of an exception's text that a trace keeps
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")  # differs from process to process


def failure_of(node: str, error: BaseException) -> Failure:
    """The failure of a node's handler, by the function it raised in.  Names no path."""
    where = place_of(error.__traceback__)
    function = where.rsplit(":", 1)[0].rsplit(".", 1)[-1]
    text = _ADDRESS.sub("0x...", " ".join(_said(error).split()))[:TEXT_MAX]
    return Failure(node, type(error).__name__, where, text, function)


def place_of(trace: TracebackType | None) -> str:
    """`Class.function:line` of the innermost frame; `?:0` when there is none."""
    last = trace
    while trace is not None:
        last, trace = trace, trace.tb_next
    if last is None:
        return "?:0"
    return f"{last.tb_frame.f_code.co_qualname}:{last.tb_lineno}"


def _said(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as second:
        return f"(its text raised {type(second).__name__})"
