"""demi: hold a distributed system, search its interleavings, hand back the minimal causal sequence."""

from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """`demi.test`, the decorator of the pytest plugin, imported when first asked for."""
    if name != "test":
        raise AttributeError(f"module 'demi' has no attribute {name!r}")
    from importlib import import_module

    return import_module("demi.pytest_plugin").test
