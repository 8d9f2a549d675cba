"""How much an application held in process keeps: objects, not bytes.

The one insight: what grows without end is reachable from the application, and code is not what grows, so
counting what is reached without it is a measure that repeats exactly, which bytes of a process are not.

Not here: when growth is too much (`check/controllers.py`).
"""

from __future__ import annotations

import gc
import types
from collections.abc import Iterable
from typing import Any

OBJECTS_MAX = 200_000  # enough to call it a leak; counting on would take longer than the run
_CODE = (types.ModuleType, type, types.FunctionType, types.BuiltinFunctionType, types.CodeType)


def reachable(things: Iterable[Any]) -> int:
    """Objects reachable from these, without code and what holds them."""
    seen: set[int] = set()
    todo = list(things)
    while todo and len(seen) < OBJECTS_MAX:
        thing = todo.pop()
        kind = type(thing)
        if id(thing) in seen or issubclass(kind, _CODE) or kind.__module__[:5] == "demi.":
            continue
        seen.add(id(thing))
        todo.extend(gc.get_referents(thing))
    return len(seen)
