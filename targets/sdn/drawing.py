"""A small drawing of a network where it broke: cables, the way of the packets, who reaches whom.

The one insight: the walker already knows what becomes of every pair, so the drawing is a table of its
answers and the one way that is wrong.

At most 76 cells wide; marks have ASCII counterparts in `demi/render/drawing.py`.
Not here: what is wrong (`check/`), when it is drawn (`demi/scheduler/execute.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

from demi.interpose.world import World
from demi.target import Config
from demi.verdict import Violation
from targets.sdn.check.fates import Fates, Pair
from targets.sdn.check.invariants import QUESTIONS
from targets.sdn.check.policy import find_policy
from targets.sdn.check.walk import Fate, Node, Walker
from targets.sdn.network.wiring import Wiring, pair
from targets.sdn.world import NetworkWorld

WIDTH = 76
HEAD = 9  # cells before what a line says
CABLES_MAX = 4  # lines of cables
HOSTS_MAX = 14  # rows and columns of the table
KEY = "● arrives  ? controller is asked  ✖ lost  ↻ loops  ○ elsewhere  · nowhere"
_MARKS = {"loop": "↻", "controller": "?", "lost": "✖"}
_BAD = {"ForwardingLoop": "loop", "BlackHole": "lost", "Isolation": "delivered"}


def draw(config: Config, world: World, violation: Violation) -> list[str]:
    """The lines of the drawing."""
    network = cast(NetworkWorld, world)
    fates = Fates(find_policy(config["policy"], network.topology), QUESTIONS)
    fates.update(network.wiring)
    wrong = _first(fates, violation.invariant)
    lines = [*_lines("network", _cables(network.wiring), CABLES_MAX)]
    places = [f"{host.name} {host.at[0]}:{host.at[1]}" for host in network.wiring.hosts.values()]
    lines += _lines("hosts", _folded(places), 2)
    if wrong is not None:
        at = fates.pairs.index(wrong)
        kind = _BAD.get(violation.invariant, "")
        lines += _lines("way", [_way(fates.walker, wrong, cast(Fate, fates.fates[at]), kind)], 2)
    return lines + _table(fates, wrong)


def _first(fates: Fates, question: str) -> Pair | None:
    at = fates.position(question) if question in QUESTIONS else None
    return None if at is None else fates.pairs[at]


def _lines(head: str, found: Sequence[str], most: int) -> Iterator[str]:
    for number, line in enumerate(found[:most]):
        yield f"{'' if number else head:{HEAD}}{line}"
    if len(found) > most:
        yield " " * HEAD + f"and {len(found) - most} lines more"


def _folded(words: Sequence[str], between: str = "  ") -> list[str]:
    lines: list[str] = []
    for word in words:
        if lines and len(lines[-1]) + len(between) + len(word) <= WIDTH - HEAD:
            lines[-1] += between + word
        else:
            lines.append(word)
    return lines


# ---- cables


def _cables(wiring: Wiring) -> list[str]:
    """Cables as trails through the switches, each cable once: `s1 ─ s2 ╳ s3`, a switch down as `(s2)`."""
    left: dict[str, list[str]] = {name: [] for name in wiring.switches}
    for a, _, b, _ in wiring.topology.links:
        left[a].append(b)
        left[b].append(a)
    trails = []
    while any(left.values()):
        odd = [name for name, ends in left.items() if len(ends) % 2]
        here = odd[0] if odd else next(name for name, ends in left.items() if ends)
        trail = [_name(wiring, here)]
        while left[here]:
            there = left[here].pop(0)
            left[there].remove(here)
            trail += [_cable(wiring, here, there), _name(wiring, there)]
            here = there
        trails.append(" ".join(trail))
    alone = [name for name in wiring.switches if name not in " ".join(trails).split()]
    alone = [_name(wiring, name) for name in alone if f"({name})" not in " ".join(trails).split()]
    return [line for trail in trails for line in _folded(trail.split(" "), " ")] + _folded(alone)


def _name(wiring: Wiring, name: str) -> str:
    return name if wiring.switches[name] is not None else f"({name})"


def _cable(wiring: Wiring, a: str, b: str) -> str:
    whole = pair(a, b) not in wiring.cut and any(
        near[0] == a and far[0] == b and near not in wiring.out and far not in wiring.out
        for near, far in wiring.cables.items()
    )
    return "─" if whole else "╳"


# ---- the way of what goes wrong


def _way(walker: Walker, one: Pair, fate: Fate, kind: str) -> str:
    """`h2 ─▶ s2 ─▶ s3 ─✖ down 1`: from a host to where its packets end in the way that is wrong."""
    steps, last = _route(walker, one.start, kind) or ([*fate.path], "")
    text = " ─▶ ".join([one.src.name, *steps])
    return f"{text}{last}   ({one.src.name} > {one.dst.name})"


def _route(walker: Walker, start: Node, kind: str) -> tuple[list[str], str] | None:
    """Depth first to the first end of this kind: switches on the way, and the mark of the end."""
    above: list[Node] = []
    done: set[Node] = set()

    def visit(node: Node) -> str | None:
        if node in above:
            above.append(node)
            return " ↻" if kind == "loop" else None
        if node in done:
            return None
        done.add(node)
        above.append(node)
        hop = walker.hop(node)
        for end in sorted(hop.ends):
            if end.kind == kind:
                return f" ─✖ {end.why}" if kind == "lost" else f" ─▶ {end.at}"
        for onward in hop.onward:
            found = visit(onward)
            if found is not None:
                return found
            if above[-1] == onward:
                above.pop()
        above.pop()
        return None

    last = visit(start)
    if last is None:
        return None
    names = [node[0] for node in above]
    again = next((at for at, name in enumerate(names) if name in names[:at]), len(names) - 1)
    return names[: again + 1], last  # a loop is drawn to where it passes a switch again


# ---- who reaches whom


def _table(fates: Fates, wrong: Pair | None) -> list[str]:
    hosts = [host.name for host in fates.hosts]
    if len(hosts) < 2:
        return []
    cell = max(4, 1 + max(len(_short(name)) for name in hosts))
    room = min(HOSTS_MAX, (WIDTH - HEAD) // cell)
    if len(hosts) > room:
        first = [wrong.src.name, wrong.dst.name] if wrong is not None else []
        chosen = list(dict.fromkeys([*first, *hosts]))[:room]
        hosts = [name for name in hosts if name in chosen]
    marks = {
        (one.src.name, one.dst.name): _mark(one, cast(Fate, fate))
        for one, fate in zip(fates.pairs, fates.fates, strict=True)
    }
    lines = [f"{'reaches':{HEAD}}" + "".join(f"{_short(name):<{cell}}" for name in hosts).rstrip()]
    for src in hosts:
        row = "".join(
            f"{'' if src == dst else marks.get((src, dst), '·'):<{cell}}" for dst in hosts
        )
        lines.append(f"{_short(src):>{HEAD - 2}}  {row}".rstrip())
    if len(hosts) < len(fates.hosts):
        lines.append(" " * HEAD + f"and {len(fates.hosts) - len(hosts)} hosts more")
    return [*lines, KEY]


def _short(name: str) -> str:
    return name if len(name) <= HEAD - 2 else name[: HEAD - 3] + "…"


def _mark(one: Pair, fate: Fate) -> str:
    if fate.of("loop"):
        return _MARKS["loop"]
    if fate.reaches(one.dst.name):
        return "●"
    return next((_MARKS[kind] for kind in ("controller", "lost") if fate.of(kind)), "○")
