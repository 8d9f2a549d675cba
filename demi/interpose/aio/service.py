"""What a host is told to run, and what may be put into it.

The one insight: a service is a coroutine function of its host and nothing else, so a program of one's own
needs a line of glue and no base class.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from demi.interpose.aio.host import Host

Input = Callable[[Host, Any], Any]
"""input(host, args): called in the host; a coroutine runs as a task of it."""


@dataclass(frozen=True, slots=True)
class Service:
    """What a host runs.

    main(host): a coroutine function, or `module:function` of an isolated package.  observe(state):
    what invariants see of `host.state`, best a NamedTuple of immutable values.
    """

    main: Callable[[Host], Any] | str
    observe: Callable[[Any], Any] = lambda state: state
