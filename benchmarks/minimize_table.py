"""What the rows of the minimizer's benchmark say, as tables for a chapter.

    python benchmarks/minimize_table.py FILE      of the rows that `minimize.py --rows FILE` has kept so far

A figure is a median, in brackets the worst.  A `+` behind one says that a run was cut by the cap on its
schedules: it would have gone on, and might have left less.  Not here: measuring (`minimize_rows.py`).
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from minimize_rows import BASELINES, OURS, Row, read
from published import BUGS


def markdown(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table."""
    every = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in every)


def side_by_side(rows: Sequence[Row], pipelines: Sequence[str]) -> str:
    """One line per bug: what was published and, by pipeline, deliveries left, schedules, CPU seconds."""
    lines = []
    for bug in _in_order(row.bug for row in rows):
        mine = [row for row in rows if row.bug == bug]
        about = BUGS[bug]
        lines.append(
            [
                bug, str(len({row.seed for row in mine})),
                f"{statistics.median({row.seed: row.deliveries for row in mine}.values()):,.0f}",
                f"{about.left}, {about.schedules:,}", str(about.by_hand), str(about.reach),
                *[of_pipeline([r for r in mine if r.pipeline == name]) for name in pipelines],
            ]
        )  # fmt: skip
    head = ["bug", "seeds", "from", "DEMi left, schedules", "by hand", "to reach", *pipelines]
    return markdown(head, lines)


def complete(rows: Sequence[Row]) -> list[Row]:
    """Those of originals on which every pipeline that was tried on their bug has been measured, once."""
    pipelines: dict[str, set[str]] = {}
    measured: dict[tuple[str, int], dict[str, Row]] = {}
    for row in rows:
        pipelines.setdefault(row.bug, set()).add(row.pipeline)
        measured.setdefault((row.bug, row.seed), {})[row.pipeline] = row
    return [
        row
        for (bug, _), mine in measured.items()
        for row in (mine.values() if pipelines[bug] == set(mine) else ())
    ]


def of_pipeline(rows: Sequence[Row]) -> str:
    """left (worst); schedules; seconds; how many were cut, if any."""
    if not rows:
        return ""
    left = f"{median(rows, lambda row: row.left)} ({worst(rows, lambda row: row.left)})"
    cells = [left, median(rows, lambda row: row.schedules)]
    cells.append(f"{statistics.median(row.seconds for row in rows):.1f} s")
    cut = sum(row.cut for row in rows)
    return "; ".join(cells + ([f"{cut} cut"] if cut else []))


def median(rows: Sequence[Row], of: Callable[[Row], float]) -> str:
    """Marked where a run in the middle was cut."""
    order = sorted(rows, key=of)
    middle = {(len(rows) - 1) // 2, len(rows) // 2}
    mark = "+" if any(order[at].cut for at in middle) else ""
    return f"{statistics.median(of(row) for row in rows):,.0f}{mark}"


def worst(rows: Sequence[Row], of: Callable[[Row], float]) -> str:
    """Marked where that run was cut."""
    most = max(rows, key=of)
    return f"{of(most):,.0f}{'+' if most.cut else ''}"


def ours(rows: Sequence[Row]) -> str:
    """One line per bug: all that was measured of `default`, and what `four nodes` left."""
    lines = []
    for bug in _in_order(row.bug for row in rows):
        default, four = ([r for r in rows if (r.bug, r.pipeline) == (bug, name)] for name in OURS)
        about = BUGS[bug]
        lines.append(
            [
                bug, f"{statistics.median(row.deliveries for row in default):,.0f}",
                both(default, lambda row: row.left), both(default, lambda row: row.externals),
                both(default, lambda row: row.nodes), both(default, lambda row: row.schedules),
                both(default, lambda row: row.reached), both(default, lambda row: row.seconds, 1),
                both(four, lambda row: row.left), both(four, lambda row: row.schedules),
                f"{about.left}, {about.schedules}", str(about.by_hand),
                f"{sum(bool(row.sound) for row in default + four)} of {len(default + four)}",
            ]
        )  # fmt: skip
    head = [
        "bug", "from", "left", "externals", "nodes", "schedules", "to the result", "seconds",
        "four nodes: left", "schedules", "DEMi left, schedules", "by hand", "sound",
    ]  # fmt: skip
    return markdown(head, lines)


def both(rows: Sequence[Row], of: Callable[[Row], float], digits: int = 0) -> str:
    """Median (worst)."""
    values = [of(row) for row in rows]
    return f"{statistics.median(values):,.{digits}f} ({max(values):,.{digits}f})"


def _in_order(names: Iterable[str]) -> list[str]:
    """Each once, as they were published."""
    there = set(names)
    return [name for name in BUGS if name in there]


if __name__ == "__main__":
    print(side_by_side(complete(read(Path(sys.argv[1]))), [*OURS, *BASELINES]))
