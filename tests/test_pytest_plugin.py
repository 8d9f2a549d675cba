"""The pytest plugin in a small project of its own: a test fails, its trace replays, corrected code passes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ENVIRONMENT = {
    **{key: value for key, value in os.environ.items() if not key.startswith(("DEMI_", "PYTEST"))},
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # also where demi was installed before it had a plugin
    "COLUMNS": "100",
}


@dataclass(frozen=True)
class Project:
    """A folder with a lock server and whatever tests are written into it."""

    folder: Path

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")

    def pytest(self, *words: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "demi.pytest_plugin", *words],
            cwd=self.folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=120,
            check=False,
        )  # fmt: skip
        assert "INTERNALERROR" not in done.stdout + done.stderr, done.stdout + done.stderr
        return done.returncode, done.stdout + done.stderr

    def traces(self, folder: str = "traces") -> list[str]:
        return sorted(path.name for path in (self.folder / folder).glob("*.jsonl"))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    shutil.copy(ROOT / "examples/lock.py", tmp_path / "lock.py")
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\n", "utf-8")
    return Project(tmp_path)


HUNT = """import demi

@demi.test(target="lock.py", runs=50)
def test_lock():
    pass
"""
REPLAYS = """import pytest

@pytest.mark.demi_traces("traces", target="lock.py")
def test_recorded():
    pass
"""


def test_a_failing_test_shows_the_sequence_its_trace_replays_and_corrected_code_passes(
    project: Project,
) -> None:
    project.write("test_hunt.py", HUNT)
    code, said = project.pytest()
    assert code == 1
    assert "VIOLATED MutualExclusion  (both hold the lock)   seed 2, step 11 of 11" in said
    assert re.search(r"minimized 11 -> 7 events \(2 externals\)", said)
    section = said.split("- demi -", 1)[1]
    assert "    3 ◀─────────acquire#1─────────┤         holder" in section
    assert "▌   7 ├─────────granted#1─────────▶" in section
    saved = [name for name in project.traces() if name.endswith(".min.jsonl")]
    assert len(saved) == 1
    assert f"next      demi view traces/{saved[0]}" in section
    assert "Traceback" not in said

    project.write("test_replays.py", REPLAYS)
    code, said = project.pytest("test_replays.py", "-v")
    assert code == 1
    assert f"test_recorded[{saved[0].removesuffix('.jsonl')}] FAILED" in said
    assert "VIOLATED MutualExclusion by traces/" in said
    assert "▌   7 ├─────────granted#1─────────▶" in said

    source = (project.folder / "lock.py").read_text("utf-8")
    lost = '            ctx.set_timer("lease", after=10.0)\n'
    assert lost in source
    project.write("lock.py", source.replace(lost, ""))  # leases do not run out any more
    code, said = project.pytest()
    assert (code, "2 passed" in said) == (0, True), said


def test_the_example_in_the_documentation(project: Project) -> None:
    shutil.copytree(ROOT / "examples", project.folder / "examples")
    project.write("test_hunt.py", HUNT)
    assert project.pytest("test_hunt.py", "--demi-save", "traces/lock")[0] == 1
    code, said = project.pytest("examples/test_lock.py", "-v")
    assert (code, "4 passed" in said) == (0, True), said


def test_options_win_over_the_test_and_the_profile_over_the_file(project: Project) -> None:
    project.write("test_hunt.py", HUNT)
    assert project.pytest("--demi-runs", "2")[0] == 0
    code, said = project.pytest("--demi-seed", "2", "--demi-runs", "1", "--demi-save", "elsewhere")
    assert code == 1
    assert project.traces() == []
    assert len(project.traces("elsewhere")) == 2
    assert "seed 2" in said
    project.write(
        "pyproject.toml",
        "[tool.pytest.ini_options]\n[tool.demi]\nseed = 2\n[tool.demi.profiles.ci]\nseed = 0\n"
        "steps = 3\n",
    )
    assert project.pytest()[0] == 1
    assert project.pytest("--demi-profile", "ci")[0] == 0
    code, said = project.pytest("--demi-profile", "cj")
    assert code == 1
    assert "no profile 'cj'" in said
    assert "known: ci" in said


def test_a_target_object_and_invariants_of_the_test_itself(project: Project) -> None:
    project.write(
        "test_own.py",
        """import demi
from lock import TARGET
from demi.oracle import Detail, StateInvariant

@demi.test(target=TARGET, runs=30, strategy="random")
def test_never_held(tmp_path):
    assert tmp_path.is_dir()
    held = lambda view: Detail(("server",), "held") if view.state(0)["holder"] else None
    return [StateInvariant("NeverHeld", "nobody gets it", held)]
""",
    )
    code, said = project.pytest()
    assert code == 1
    assert "VIOLATED NeverHeld  (held)" in said
    assert "minimized" in said
    assert "-> 2 events (1 external)" in said
    assert "--target test_own.py:TARGET" in said.replace("\\\n", "").replace("  ", "")


def test_a_run_driven_by_hand(project: Project) -> None:
    project.write(
        "test_hand.py",
        """import pytest
from demi.errors import UsageError

def test_both_hold_it(demi_world):
    world = demi_world("lock.py")
    world.take("ext:work(a)#1", "ext:work(b)#1", "a>server:acquire#1", "server!lease#1")
    world.take("b>server:acquire#1", "server>a:granted#1")
    with pytest.raises(UsageError, match="did you mean 'server>b:granted#1'"):
        world.take("server>b:granted#2")
    assert world.violation is None
    world.take("server>b:granted#1")
    assert world.violation == "MutualExclusion"
    assert len(world.trace) == 7
    with pytest.raises(UsageError, match="the run has ended"):
        world.take("a!done#1")

def test_settings(demi_world):
    with pytest.raises(Exception, match="no setting 'timer'"):
        demi_world("lock.py", timer="free")
""",
    )
    code, said = project.pytest()
    assert (code, "2 passed" in said) == (0, True), said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HUNT.replace("lock.py", "lok.py"), "no file lok.py"),
        (HUNT.replace("runs=50", "strategy='pcd'"), "did you mean 'pct'"),
        (HUNT.replace("runs=50", "runs=0"), "nothing ran"),
        (REPLAYS, "no trace there"),
        (REPLAYS.replace('("traces", target="lock.py")', ""), "wants a folder of traces"),
    ],
)
def test_a_test_that_could_not_fail_fails(project: Project, text: str, expected: str) -> None:
    project.write("test_it.py", text)
    code, said = project.pytest()
    assert code in (1, 2)
    assert expected in said
    assert "Traceback" not in said


def test_a_damaged_trace_is_a_failure_with_its_place(project: Project) -> None:
    project.write("traces/a.jsonl", '{"demi":"trace","version":2}\n')
    project.write("test_it.py", REPLAYS)
    code, said = project.pytest()
    assert code == 1
    assert "a.jsonl:1" in said


def test_unused_it_costs_next_to_nothing() -> None:
    probe = (
        "import sys, pytest; before = set(sys.modules); import demi.pytest_plugin;"
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["demi", "demi.pytest_plugin"]


def test_it_is_installed_with_demi() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["entry-points"]["pytest11"] == {"demi": "demi.pytest_plugin"}
