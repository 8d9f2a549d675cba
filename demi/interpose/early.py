"""Too early: programs that bound a real module, function or class before the stand-ins were in force.

The one insight: a global that still is the real thing, compared by identity, is what no later replacement
reaches, whatever it is called.
"""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping

from demi.interpose.sites import EscapeError


def real_names(
    modules: Mapping[str, types.ModuleType], real: Iterable[object], roots: Iterable[str]
) -> list[tuple[str, str]]:
    """(module, name) of every global of a module under `roots` that still is one of `real`.

    real: the real modules, functions and classes that stand-ins replace; compared by identity.
    """
    known = {id(thing) for thing in real}
    tops = tuple(roots)
    return [
        (name, key)
        for name, module in sorted(modules.items())
        if under(name, tops)
        for key, value in sorted(vars(module).items())
        if id(value) in known
    ]


def under(name: str, roots: Iterable[str]) -> bool:
    """Is a dotted module name one of `roots` or inside one?"""
    return any(name == root or name.startswith(root + ".") for root in roots)


def too_early(program: str, found: list[tuple[str, str]]) -> EscapeError:
    """The error for a program that was imported before the stand-ins were in force."""
    shown = ", ".join(f"{module}.{name}" for module, name in found[:5])
    more = f" and {len(found) - 5} more" if len(found) > 5 else ""
    return EscapeError(
        f"{program} was imported before the stand-ins were in force: {shown}{more} are the real ones",
        remedy=f"name the program as text ('{program}:main') and let the adapter import it",
    )
