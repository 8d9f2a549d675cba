"""Smaller clusters, for the minimizer: a node that a violation does not need never existed.

The one insight: the bootstrap names the members, so leaving a node out changes what the others count as a
majority; the same bug in three nodes is another run than in four, and reads shorter.

DEMi could mask a node in every bootstrap (shrinkSendContents); its published results did not use that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from demi.errors import TargetError
from demi.interpose.world import World
from demi.target import Config, Parts


def names_of(config: Config) -> list[str]:
    """The nodes of a configuration: n1 to n`nodes`, less those in `without`."""
    gone = config.get("without", ())  # older traces do not say
    names = [f"n{i}" for i in range(1, config["nodes"] + 1)]
    unknown = [name for name in gone if name not in names]
    if unknown:
        raise TargetError(f"without {unknown[0]!r}: there are {', '.join(names)}")
    return [name for name in names if name not in gone]


def parts(config: Config, make: Callable[[Config], World]) -> Parts:
    """Each node may be left out, as long as one stays."""
    names = names_of(config)

    def without(gone: Sequence[str]) -> Config:
        left = [name for name in names if name not in gone]
        every = [f"n{i}" for i in range(1, config["nodes"] + 1)]
        if not left:
            raise TargetError("a cluster needs a node")
        count = every.index(left[-1]) + 1
        return {
            **config, "nodes": count, "without": [n for n in every[:count] if n not in left],
        }  # fmt: skip

    return Parts(tuple(names), without, lambda world, smaller: make(smaller))
