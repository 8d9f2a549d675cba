"""What the keys that need only the model do to it: moves along lanes and along messages.

The one insight: an action without a screen is a function of the model, so all of them are one table, and
what is left in the application is what needs a terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from demi.events import Kind
from demi.viewer.model import Model


def next_on_node(model: Model) -> None:
    """The next step on the selected step's node."""
    _on_node(model, "later", model.facts.next)


def previous_on_node(model: Model) -> None:
    """The step before on the selected step's node."""
    _on_node(model, "earlier", model.facts.previous)


def _on_node(model: Model, word: str, find: Callable[[int], int]) -> None:
    if model.ready():
        node = model.name(model.step).node
        model.jump(find(model.step), f"no {word} step on {node or 'no node'}")


def cause(model: Model) -> None:
    """The step that sent the message or armed the timer."""
    if not model.ready():
        return
    outside = model.look(model.step).is_external
    said = "comes from outside: no step caused it" if outside else "made at the start"
    model.jump(model.facts.cause(model.step), said)


def effect(model: Model) -> None:
    """The first step that this one caused."""
    if not model.ready():
        return
    effects = model.facts.effects(model.step)
    model.jump(effects[0] if effects else 0, "nothing that it sent or armed happens")
    if len(effects) > 1:
        model.note = f"effect 1 of {len(effects)}; E: the next"


def sibling(model: Model) -> None:
    """The next effect of this step's cause."""
    if not model.ready():
        return
    source = model.facts.cause(model.step)
    effects = model.facts.effects(source) if source else []
    if len(effects) < 2:
        model.note = "its cause has no other effect"
        return
    at = (effects.index(model.step) + 1) % len(effects) if model.step in effects else 0
    model.jump(effects[at])
    model.note = f"effect {at + 1} of {len(effects)} of step {source}"


def follow(model: Model) -> None:
    """Pin a message and go to its other end; at either end, to the other."""
    if not model.ready():
        return
    step, facts = model.step, model.facts
    if model.pinned and step in model.pinned:
        model.jump(model.pinned[0] if step == model.pinned[1] else model.pinned[1])
    elif model.name(step).kind == Kind.DELIVER and facts.cause(step):
        model.pinned = facts.cause(step), step
        model.jump(model.pinned[0])
    else:
        taken = [one for one in facts.effects(step) if model.name(one).kind == Kind.DELIVER]
        if not taken:
            model.note = "no message of this step arrives"
            return
        model.pinned = step, taken[0]
        model.jump(taken[0])
    if model.pinned:
        model.note = f"follows {model.look(model.pinned[1]).id}; m: other end, esc: let go"


ACTS: Mapping[str, Callable[[Model], None]] = {
    "down": lambda model: model.move(1),
    "up": lambda model: model.move(-1),
    "first": lambda model: model.first(),
    "last": lambda model: model.last(),
    "next_on_node": next_on_node,
    "previous_on_node": previous_on_node,
    "cause": cause,
    "effect": effect,
    "sibling": sibling,
    "follow": follow,
    "jump_back": lambda model: model.back(),
    "again": lambda model: model.again(True),
    "again_up": lambda model: model.again(False),
    "release": lambda model: model.release(),
    "fold": lambda model: model.fold(),
}
"""Action of a key (`keys.py`) -> what it does."""
