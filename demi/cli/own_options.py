"""A target's settings as options of their own: `--topology line:3` says `--set topology=line:3`.

The one insight: which options there are is known only when the target is, so a command takes what it does
not know as it stands and asks the target; what neither knows is refused with the nearest of both.

Not here: what settings mean (`demi/target.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

import typer

from demi.errors import UsageError
from demi.target import Target, nearest

OPEN = {"allow_extra_args": True, "ignore_unknown_options": True}
"""Context settings of a command that takes them; they stand behind the target."""


def own_options(context: typer.Context, target: Target) -> list[str]:
    """The words that the command did not know, as `KEY=VALUE`.  Raises UsageError."""
    known = {name.replace("_", "-"): name for name in target.defaults}
    options = [*_options(context), *(f"--{option}" for option in known)]
    words, sets = list(context.args), []
    while words:
        word = words.pop(0)
        if not word.startswith("--"):
            raise UsageError(f"{word!r} is one word too many", remedy="options are --NAME VALUE")
        option, equals, value = word[2:].partition("=")
        name = known.get(option)
        if name is None:
            raise UsageError(
                f"no option --{option}, and {target.name} has no such setting",
                remedy=nearest(f"--{option}", options),
            )
        if not equals:
            value = _value(option, target.defaults[name], words, options)
        sets.append(f"{name}={value}")
    return sets


def _value(option: str, default: object, words: list[str], options: Sequence[str]) -> str:
    """The next word, which may be options of somebody else's; a flag may do without."""
    if words and words[0].partition("=")[0] not in options:
        return words.pop(0)
    if isinstance(default, bool):
        return "true"
    raise UsageError(f"--{option} wants a value", remedy=f"the default is {default!r}")


def _options(context: typer.Context) -> Sequence[str]:
    return [name for param in context.command.params for name in param.opts if name[:2] == "--"]
