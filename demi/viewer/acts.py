"""What the keys that need only the model do to it.

The one insight: an action without a screen is one call, so all of them are one table, and what is left in
the application is what needs a terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from demi.viewer.model import Model

ACTS: Mapping[str, Callable[[Model], None]] = {
    "down": lambda model: model.move(1),
    "up": lambda model: model.move(-1),
    "first": lambda model: model.first(),
    "last": lambda model: model.last(),
    "next_on_node": lambda model: model.on_node(True),
    "previous_on_node": lambda model: model.on_node(False),
    "cause": lambda model: model.cause(),
    "effect": lambda model: model.effect(),
    "sibling": lambda model: model.sibling(),
    "follow": lambda model: model.follow(),
    "jump_back": lambda model: model.back(),
    "again": lambda model: model.again(True),
    "again_up": lambda model: model.again(False),
    "release": lambda model: model.release(),
    "fold": lambda model: model.fold(),
}
"""Action of a key (`keys.py`) -> what it does."""
