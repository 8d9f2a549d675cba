"""Keys: one table from which bindings, the help, the palette and the bottom line are made.

The one insight: a key that is not in the table does not exist, so no help can be out of date.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Key:
    """keys: as Textual names them, comma-separated.  shown: as people read them.  action: `action_X`.

    word: for the bottom line, "" to leave it out there.  help: one sentence.
    """

    keys: str
    shown: str
    action: str
    word: str
    help: str


MOVES = (
    Key("j,down", "j down", "down", "", "One step down."),
    Key("k,up", "k up", "up", "", "One step up."),
    Key("pagedown,space", "pgdn", "page_down", "", "A screen down."),
    Key("pageup", "pgup", "page_up", "", "A screen up."),
    Key("g,home", "g home", "first", "", "The first step."),
    Key("G,end", "G end", "last", "", "The last step."),
    Key("J,right", "J right", "next_on_node", "", "The next step on the same node."),
    Key("K,left", "K left", "previous_on_node", "", "The step before on the same node."),
)
JUMPS = (
    Key("c", "c", "cause", "cause", "Jump to the step that sent this message or armed this timer."),
    Key("e", "e", "effect", "effect", "Jump to the first step that this one caused."),
    Key("E", "E", "sibling", "", "Jump to the next effect of the same cause."),
    Key("m", "m", "follow", "follow", "Follow the message: pin its way and go to its other end."),
    Key("b,backspace", "b", "jump_back", "", "Go back to where the last jump came from."),
    Key("colon", ":", "goto", "", "Go to a step by its number, or an event by its id."),
)
FINDS = (
    Key("slash", "/", "search", "search", "Search: any text, or an expression as in a filter."),
    Key("n", "n", "again", "", "The next hit."),
    Key("N", "N", "again_up", "", "The hit before."),
    Key("f", "f", "filter", "filter", "Show only steps that pass: kind:deliver node:n1 term>=2."),
    Key("escape", "esc", "release", "", "Let go: of the message, the search, the filter."),
)
BRANCHES = (
    Key("w", "w", "what_if", "what if", "What if another event had happened here: choose one."),
    Key("p", "p", "passing", "", "The nearest run that passes: the race that decides, turned."),
    Key("s", "s", "save", "", "Save the run that `w` or `p` made as a trace."),
)
LOOKS = (
    Key(
        "enter", "enter", "details", "all", "All that is known of the step, with its whole content."
    ),
    Key("tab", "tab", "turn", "panel", "The next panel first."),
    Key("shift+tab", "shift+tab", "turn_back", "", "The panel before first."),
    Key("d", "d", "diff", "", "Compare with the trace this one was made from, or stop comparing."),
    Key("z", "z", "fold", "", "Of two traces: fold or unfold the steps that only one has."),
    Key("v", "v", "panels", "", "Show or hide the panels."),
    Key("y", "y", "copy", "copy", "Copy the command that replays the trace up to here."),
    Key("question_mark,f1", "?", "help", "help", "This help."),
    Key("ctrl+p", "^p", "command_palette", "", "Every action by its name, and the themes."),
    Key("q,ctrl+q,ctrl+c", "q", "leave", "quit", "Leave."),
)
GROUPS = (("move", MOVES), ("jump", JUMPS), ("find", FINDS), ("try", BRANCHES), ("look", LOOKS))
KEYS = (*MOVES, *JUMPS, *FINDS, *BRANCHES, *LOOKS)


def hints() -> list[tuple[str, str, str]]:
    """(key, word, action) for the bottom line, what a newcomer needs first."""
    first = ["help", "leave"]
    known = [(key.shown.split()[0], key.word, key.action) for key in KEYS if key.word]
    return sorted(known, key=lambda hint: hint[2] not in first)
