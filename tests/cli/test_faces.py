"""What all commands share: help, completion, JSON, quick start; and `demi config`, `demi report`."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from demi.cli.app import COMMANDS, app
from demi.cli.config import KEYS

from .conftest import ENVIRONMENT, ROOT, Demi

every_command = pytest.mark.parametrize("name", COMMANDS)
HELP_LINES_MAX = 60
RAFT = ROOT / "traces/raft/raft-45.min.jsonl"


# ---- help


@every_command
def test_the_help_fits_a_screen_and_has_an_example_that_parses(demi: Demi, name: str) -> None:
    from typer.main import get_command

    said = demi.here(name, "--help").out
    assert len(said.splitlines()) < HELP_LINES_MAX
    assert max(map(len, said.splitlines())) <= 80
    if name == "view":  # the viewer's own help is written with the viewer
        return
    examples = re.findall(r"^ +((?:[A-Z_]+=\S+ )?demi .*)$", said, re.M)
    assert examples
    commands = get_command(app).commands
    for example in examples:
        words = shlex.split(example.split(" | ")[0])
        inner = commands[next(word for word in words if word in commands)]
        known = {option for one in inner.params for option in (*one.opts, *one.secondary_opts)}
        options = words[: words.index("sdn") if "sdn" in words else None]  # behind it, its own
        used = {word for word in options if word.startswith("-")}
        assert used <= known | {"--json", "--profile"}, example


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("demi re", {"replay", "report"}),
        ("demi fuzz r", {"raft"}),
        ("demi export x.jsonl --to m", {"mermaid"}),
        ("demi export x.jsonl --orig", {"--original"}),
    ],
)
def test_the_shell_completes(demi: Demi, line: str, expected: set[str]) -> None:
    words = len(line.split()) - 1
    done = demi(_DEMI_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=str(words))
    assert expected <= set(done.out.split())


# ---- a quick start


@pytest.mark.parametrize(
    "words",
    [
        ("--version",), ("--help",), ("config",), ("view", RAFT, "--plain"), ("diff", RAFT, RAFT),
        ("export", RAFT, "--to", "html"), ("report", RAFT),
    ],
)  # fmt: skip
def test_a_command_without_a_target_imports_nothing_heavy(words: tuple[object, ...]) -> None:
    """What makes a command slow to start is what it imports; a clock would measure the machine."""
    probe = (
        "import sys; from demi.cli.main import perform; code = perform(sys.argv[1:]);"
        "print(code, *sorted({n.split('.')[0] for n in sys.modules}), *sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe, *map(str, words)],
        cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    code, *loaded = done.stderr.split()
    assert code == "0", done.stderr[:400]
    heavy = {
        "textual", "networkx", "asyncio", "multiprocessing", "hypothesis", "pytest", "greenlet",
        "psutil", "targets", "pysyncobj", "demi.fuzz", "demi.dpor",
    }  # fmt: skip
    assert heavy & set(loaded) == set()


# ---- JSON


@pytest.mark.parametrize(
    ("words", "kinds"),
    [
        (("init", "actor", "made.py"), {"written", "summary"}),
        (("demo",), {"summary"}),
        (("targets",), {"note", "target", "summary"}),
        (("targets", "toy.py"), {"target", "summary"}),
        (("fuzz", "toy.py", "-n", 3, "-j", 1), {"run", "summary"}),
        (("explore", "toy.py", "--items", 1, "--bound", "steps=4"), {"summary"}),
        (("replay", "T", "--target", "toy.py"), {"violation", "summary"}),
        (("minimize", "T", "--target", "toy.py", "--explain"), {"stage", "why", "summary"}),
        (("view", "T", "--plain"), {"row"}),
        (("export", "T", "--to", "otlp"), {"export"}),
        (("report", "T"), {"report"}),
        (("diff", "T", "T"), {"row", "summary"}),
        (("check", "toy.py", "--hash-seeds", 1, "--steps", 20), {"summary"}),
        (("check-history", ROOT / "examples" / "stale.jsonl"), {"summary"}),
        (("config",), {"setting", "summary"}),
    ],
)
def test_every_command_speaks_json(
    demi: Demi, recorded: Path, words: tuple[object, ...], kinds: set[str]
) -> None:
    done = demi.here("--json", *(recorded.name if word == "T" else word for word in words))
    assert done.code in (0, 1), done.text
    assert kinds <= {line["type"] for line in done.json}
    assert {line["schema"] for line in done.json} == {1}


def test_each_command_is_among_those() -> None:
    source = Path(__file__).read_text("utf-8")
    missing = {name for name in COMMANDS if f'(("{name}",' not in source}
    assert not missing, "give it a row in test_every_command_speaks_json"


# ---- config


def origins(demi: Demi, *words: object, **environment: str) -> dict[str, tuple[object, str]]:
    done = demi("--json", *words, **environment)
    assert done.code == 0, done.text
    return {
        one["key"]: (one["value"], one["origin"]) for one in done.json if one["type"] == "setting"
    }


def test_config_names_the_strongest_origin_of_each_value(demi: Demi) -> None:
    demi.write(
        "pyproject.toml",
        "[tool.demi]\nruns = 10\ndepth = 4\nsteps = 5\nout = 'kept'\n"
        "[tool.demi.targets.toy]\npath = 'toy.py'\nruns = 20\ndepth = 5\nsteps = 6\n"
        "[tool.demi.profiles.ci]\nruns = 30\nseed = 1\n",
    )
    plain = origins(demi, "config")
    assert list(plain) == list(KEYS)
    assert plain["runs"] == (10, "pyproject.toml [tool.demi]")
    assert plain["keep_going"] == (1, "default")
    found = origins(demi, "--profile", "ci", "config", "toy", DEMI_STEPS="7")
    assert found["runs"] == (30, "pyproject.toml [tool.demi.profiles.ci]")
    assert found["depth"] == (5, "pyproject.toml [tool.demi.targets.toy]")
    assert found["steps"] == (7, "DEMI_STEPS")
    assert found["out"] == ("kept", "pyproject.toml [tool.demi]")
    said = demi.here("config").out
    assert re.search(r"^seed +random +default$", said, re.M)
    assert "profiles  ci\n" in said
    assert demi.here("fuzz", "toy", "--profile", "ci", "-j", 1).out.startswith(
        "fuzz      toy 1.0: 30"
    )


def test_config_refuses_what_is_not_there(demi: Demi) -> None:
    done = demi.here("--profile", "ci", "config")
    assert (done.code, "none is configured" in done.err) == (2, True)
    demi.write("pyproject.toml", "[tool.demi.profiles.ci]\nrun = 3\n")
    done = demi.here("config")
    assert done.code == 2
    assert "pyproject.toml:2" in done.err
    assert "did you mean 'runs'" in done.err


# ---- report


def test_report_in_both_forms(demi: Demi, recorded: Path) -> None:
    printed = demi.here("report", recorded.name, recorded.name)
    assert printed.out.startswith("# 2 traces\n")
    assert f"$ demi minimize {recorded.name}\n" in printed.out
    saved = demi.here("report", recorded.name, "--to", "html", "-o", "bug.html")
    assert (saved.code, saved.out) == (0, "saved     bug.html\n")
    assert (demi.folder / "bug.html").read_text("utf-8").startswith("<!doctype html>")
    assert demi.here("report", recorded.name, "--to", "pdf").code == 2
    assert demi.here("report", recorded.name, "-o", recorded.name).code == 2
