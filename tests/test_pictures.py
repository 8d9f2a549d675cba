"""The pictures in the documents are made by the tools: the floors from the real imports, runs by `demi`.

    python tests/test_pictures.py     makes them again

The one insight: a drawing that is not checked describes what somebody meant once.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from test_floors import CORE, FLOORS, ROOT, floor_of, imports, room_of

from demi.export import FORMATS, Source
from demi.trace_codec import load

DOCS = ROOT / "docs"
ARCHITECTURE = DOCS / "architecture.md"
GALLERY = DOCS / "gallery"
BEGIN, END = "<!-- floors: made by tests/test_pictures.py -->", "<!-- end of floors -->"
NAMES = ("nouns", "contract", "control", "engines", "outputs", "faces")
AGAIN = "now: python tests/test_pictures.py"
WIDTH = 96
PICTURES = {
    "raft-45.svg": ("raft/raft-45.min.jsonl", "svg"),
    "raft-45.txt": ("raft/raft-45.min.jsonl", "text"),
    "raft-45.mmd": ("raft/raft-45.min.jsonl", "mermaid"),
    "pysyncobj-84.svg": ("pysyncobj/84.min.jsonl", "svg"),
    "pysyncobj-84.dot": ("pysyncobj/84.min.jsonl", "dot"),
}


def room_name(room: str, floor: int) -> str:
    """The room of a module; what the core calls trace_codec and trace_check is `trace`."""
    return "trace" if floor == CORE and room.startswith("trace") else room or "demi"


def rooms() -> dict[str, set[str]]:
    """room -> the rooms whose code it imports, by reading every module."""
    found: dict[str, set[str]] = defaultdict(set)
    for file in sorted((ROOT / "demi").rglob("*.py")):
        parts = file.relative_to(ROOT).with_suffix("").parts
        here = "" if parts == ("demi", "__init__") else parts[1]
        floor = floor_of(here)
        assert floor is not None, f"{file}: no floor"
        name = room_name(here, floor)
        found[name] |= set()
        for _, imported, _, _ in imports(ast.parse(file.read_text("utf-8")), list(parts[:-1])):
            if imported.split(".")[0] != "demi":
                continue
            there = room_of(imported)
            known = floor_of(there)
            other = room_name(there if known is not None else "", known or CORE)
            if other != name:
                found[name].add(other)
    return dict(found)


def drawn() -> str:
    """The floors from the top, each room with what it stands on; the core is not repeated."""
    found = rooms()
    floor = {name: FLOORS.get("" if name == "demi" else name, CORE) for name in found}
    core = {name for name in found if floor[name] == CORE}
    lines = ["```text"]
    for level in range(len(NAMES) - 1, -1, -1):
        here = sorted(name for name in found if floor[name] == level)
        lines.append(f"{level} {NAMES[level]}".ljust(WIDTH, "─").replace("─", " ─", 1))
        for name in here:
            below = sorted(found[name] - core, key=lambda other: (-floor[other], other))
            text = f"    {name:<14} {' '.join(below)}".rstrip()
            lines.append(text if level > CORE else f"    {name}")
    return "\n".join([*lines, "```"])


def with_floors(text: str) -> str:
    """The document with its drawing made again."""
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{drawn()}\n\n{END}{tail}"


def picture(name: str) -> str:
    trace, form = PICTURES[name]
    return FORMATS[form].write(Source(load(ROOT / "traces" / trace), Path(trace).name))


def test_the_floors_are_those_of_the_real_imports() -> None:
    text = ARCHITECTURE.read_text("utf-8")
    assert text == with_floors(text), AGAIN


@pytest.mark.parametrize("name", PICTURES)
def test_the_gallery_is_what_the_tools_draw(name: str) -> None:
    assert (GALLERY / name).read_text("utf-8") == picture(name), AGAIN


def test_the_gallery_shows_each_of_its_files() -> None:
    assert {path.name for path in GALLERY.iterdir()} == set(PICTURES)
    text = (DOCS / "gallery.md").read_text("utf-8")
    assert set(re.findall(r"\(gallery/([^)]+)\)", text)) == set(PICTURES)


if __name__ == "__main__":
    ARCHITECTURE.write_text(with_floors(ARCHITECTURE.read_text("utf-8")), "utf-8")
    GALLERY.mkdir(exist_ok=True)
    for one in PICTURES:
        (GALLERY / one).write_text(picture(one), "utf-8")
