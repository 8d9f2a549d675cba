"""The documentation says what is: its commands run, its output is real, its code and links exist.

In a ```console block each line `$ demi ...` is run, in order, in one folder per document that holds
copies of `examples/` and of the recorded traces.  It must end with exit code 0, or with N where the line
ends in `# exit N`.  Output shown below it must be the real one, but for times and counts of work
(`MASKED`).  A ```toml block that begins with `# pyproject.toml` becomes that file.  A ```python block
must stand in some file of `examples/`.  Other blocks are not looked at.

    python tests/test_docs.py     rewrites the outputs in place
"""

from __future__ import annotations

import glob
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
README_LINES_MAX = 200
TIMEOUT = 120  # seconds; a hang is a failure with a name
PINNED = re.search(r"^pysyncobj==(\S+)", (ROOT / "constraints.txt").read_text("utf-8"), re.M)
MASKED = re.compile(
    r"in \d+\.\d s, [\d ]+ replays?|\d+ workers?|[\d ]+\d +\d+\.\d\d$|demi-error-\w+"
)
by_name = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)


@dataclass(frozen=True)
class Block:
    """A fenced block.  start: the index of its first line in the document."""

    language: str
    start: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@dataclass(frozen=True)
class Shown:
    """A command of a document, the exit code it states, and the lines [start, end) of its output."""

    words: tuple[str, ...]
    code: int
    start: int
    end: int


def blocks(text: str) -> Iterator[Block]:
    """The fenced blocks of a document."""
    lines = text.splitlines()
    opened: int | None = None
    for number, line in enumerate(lines):
        if not line.startswith("```"):
            continue
        if opened is None:
            opened = number
        else:
            body = tuple(lines[opened + 1 : number])
            yield Block(lines[opened].removeprefix("```").strip(), opened + 1, body)
            opened = None
    assert opened is None, f"the block of line {opened} is not closed"


def commands(block: Block) -> Iterator[Shown]:
    """The `demi` commands of a console block."""
    at = 0
    while at < len(block.lines):
        line = block.lines[at]
        at += 1
        if not line.startswith("$ "):
            continue
        while line.endswith("\\"):
            line = line[:-1] + block.lines[at].strip()
            at += 1
        first = at
        while at < len(block.lines) and not block.lines[at].startswith("$ "):
            at += 1
        stated = re.search(r"# exit (\d+)$", line)
        words = shlex.split(line.removeprefix("$ "), comments=True)
        if words[0] == "demi":
            code = int(stated[1]) if stated else 0
            yield Shown(tuple(words), code, block.start + first, block.start + at)


def run(words: tuple[str, ...], folder: Path) -> tuple[int, str]:
    """Exit code and what was said, as in an 80-column terminal.  Wildcards are the shell's."""
    arguments: list[str] = []
    for word in words[1:]:
        found = sorted(glob.glob(word, root_dir=folder)) if set("*?") & set(word) else []
        arguments += found or [word]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("DEMI_")}
    done = subprocess.run(
        [Path(sys.executable).parent / "demi", *arguments],
        cwd=folder,
        env={**environment, "COLUMNS": "80", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        timeout=TIMEOUT,
        check=False,
    )
    return done.returncode, done.stdout or done.stderr  # progress is on stderr, and so are errors


def perform(text: str, folder: Path) -> Iterator[tuple[Shown, int, list[str]]]:
    """Run the commands of a document; (command, exit code, lines it said)."""
    shutil.copytree(ROOT / "examples", folder / "examples")
    for recorded in (ROOT / "traces").glob("*/*.jsonl*"):
        copy = folder / recorded.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(recorded, copy)
    for block in blocks(text):
        if block.language == "toml" and block.lines[0] == "# pyproject.toml":
            (folder / "pyproject.toml").write_text(block.text, "utf-8")
        if block.language == "console":
            for shown in commands(block):
                code, said = run(shown.words, folder)
                yield shown, code, said.rstrip("\n").splitlines()


def masked(lines: list[str]) -> list[str]:
    """Without what may differ from machine to machine."""
    return [MASKED.sub("~", line.rstrip()) for line in lines]


def needs_pinned_release() -> None:
    """The documents show the release that `make install` gives."""
    assert PINNED is not None
    try:
        installed = metadata.version("pysyncobj")
    except metadata.PackageNotFoundError:
        installed = "missing"
    if installed != PINNED[1]:
        pytest.skip(
            f"the documents were written with pysyncobj {PINNED[1]}, here it is {installed}"
        )


@by_name
def test_the_commands_do_what_the_document_says(path: Path, tmp_path: Path) -> None:
    needs_pinned_release()
    text = path.read_text("utf-8")
    lines = text.splitlines()
    for shown, code, said in perform(text, tmp_path):
        where = f"{path.name}:{shown.start}: {shlex.join(shown.words)}"
        assert code == shown.code, f"{where}\nexit {code}\n" + "\n".join(said)
        written = lines[shown.start : shown.end]
        if written:
            assert masked(written) == masked(said), f"{where}\nnow: python tests/test_docs.py"


@by_name
def test_the_code_is_that_of_the_examples(path: Path) -> None:
    sources = [example.read_text("utf-8") for example in EXAMPLES]
    for block in blocks(path.read_text("utf-8")):
        if block.language == "python":
            assert any(block.text in source for source in sources), (
                f"{path.name}:{block.start} stands in no example:\n{block.text[:200]}"
            )


@by_name
def test_the_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(path)):
        if target.startswith(("http://", "https://")):
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        assert there.exists(), f"{path.name}: no {target}"
        if anchor:
            assert anchor in anchors(there), f"{path.name}: no heading for {target}"


def prose(path: Path) -> str:
    """A document without its fenced blocks."""
    return re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.M | re.S)


def anchors(path: Path) -> set[str]:
    """The anchors that a viewer makes of headings."""
    heads = re.findall(r"^#+ (.+)$", prose(path), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) < README_LINES_MAX


def test_every_command_is_documented() -> None:
    from demi.cli.app import COMMANDS

    whole = "\n".join(path.read_text("utf-8") for path in DOCUMENTS)
    missing = [name for name in COMMANDS if not re.search(rf"\bdemi {name}\b", whole)]
    assert not missing


OPTIONS_OF_OTHERS = {"--ryu-ofp-tcp-listen-port"}  # of programs that a document starts: faucet


def test_every_option_that_is_written_about_exists() -> None:
    from typer.main import get_command

    from demi.cli.app import app
    from targets.sdn import TARGET as SDN

    plugin = (ROOT / "demi" / "pytest_plugin.py").read_text("utf-8")
    known = {"--help", *re.findall(r'addoption\("(--[a-z-]+)"', plugin)}
    for command in [get_command(app), *get_command(app).commands.values()]:
        for option in command.params:
            known.update(option.opts, option.secondary_opts)
    known |= {f"--{setting.replace('_', '-')}" for setting in SDN.defaults}  # as options behind it
    known |= OPTIONS_OF_OTHERS
    for application in sorted((ROOT / "targets" / "sdn" / "apps").glob("*.py")):
        known.update(f"--{o}" for o in re.findall(r'StrOpt\("([a-z-]+)"', application.read_text()))
    for script in sorted((ROOT / "benchmarks").glob("*.py")):
        known.update(re.findall(r'add_argument\("(--[a-z-]+)"', script.read_text("utf-8")))
    for path in DOCUMENTS:
        written = set(
            re.findall(r"(?<![\w-])--[a-z][a-z-]*[a-z](?![\w>-])", path.read_text("utf-8"))
        )
        assert written <= known, f"{path.name}: {sorted(written - known)}"


@pytest.mark.parametrize("path", [path for path in DOCUMENTS if path.name[0].isdigit()])
def test_the_index_leads_to_every_chapter(path: Path) -> None:
    assert f"]({path.name})" in (ROOT / "docs" / "README.md").read_text("utf-8")


def rewrite(path: Path) -> None:
    """Put the real outputs in place of those shown; what differs in masked parts only stays."""
    text = path.read_text("utf-8")
    lines = text.splitlines()
    with tempfile.TemporaryDirectory(prefix="demi-docs-") as folder:
        done = list(perform(text, Path(folder)))
    for shown, code, said in reversed(done):
        written = lines[shown.start : shown.end]
        if code != shown.code:
            print(f"{path.name}:{shown.start}: {shlex.join(shown.words)} ends with exit {code}")
        if written and masked(written) != masked(said):
            lines[shown.start : shown.end] = said
    path.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    for document in DOCUMENTS:
        rewrite(document)
