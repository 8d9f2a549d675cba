"""`demi replay`, `demi minimize` and `demi view` on a recorded trace."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from demi.trace_codec import load

from .conftest import Demi, edited

TOY = ("--target", "toy.py")


def test_replay_reproduces(demi: Demi, recorded: Path) -> None:
    done = demi("replay", recorded, *TOY, "--times", 20)
    assert done.code == 1
    assert "20 times, each identical" in done.out
    assert "VIOLATED MutualExclusion" in done.out
    assert done.out.index("replayed") < done.out.index("VIOLATED")


@pytest.mark.parametrize(
    ("expect", "code"), [("MutualExclusion", 0), ("crash", 1), ("crash/KeyError@on_message", 1)]
)
@pytest.mark.parametrize("lenient", [(), ("--lenient",)])
def test_expect_is_a_predicate(
    demi: Demi, recorded: Path, expect: str, code: int, lenient: tuple[str, ...]
) -> None:
    assert demi("replay", recorded, *TOY, "--expect", expect, *lenient).code == code


def test_expect_must_be_possible(demi: Demi, recorded: Path) -> None:
    done = demi("replay", recorded, *TOY, "--expect", "MutualExclusio")
    assert done.code == 2
    assert "did you mean 'MutualExclusion'?" in done.err


@pytest.mark.parametrize("until", ["5", None])
def test_until_stops_before_the_violation(demi: Demi, recorded: Path, until: str | None) -> None:
    until = until or load(recorded).entries[4].id
    done = demi("replay", recorded, *TOY, "--until", until, "--json")
    assert done.code == 0
    assert done.last("replay")["steps"] == 5


@pytest.mark.parametrize("until", ["0", "9999", "c1!never#1", "٣"])
def test_until_must_be_a_step(demi: Demi, recorded: Path, until: str) -> None:
    assert demi.here("replay", recorded, *TOY, "--until", until).code == 2


def test_divergence_names_step_and_causes(demi: Demi, recorded: Path) -> None:
    lines = recorded.read_text().splitlines(keepends=True)
    at = next(i for i, line in enumerate(lines) if '"out":[' in line and i > 1)
    entry = json.loads(lines[at])
    entry["out"] = ["server>c1:other#1"]
    bad = edited(
        recorded, "bad.jsonl", lambda ls: [*ls[:at], json.dumps(entry) + "\n", *ls[at + 1 :]]
    )
    done = demi("replay", bad, *TOY)
    assert done.code == 4
    assert f"DIVERGED step {at}, {entry['id']}: out differs" in " ".join(done.out.split())
    for word in ("expected", "got", "causes", "iteration over a set"):
        assert word in done.out
    assert any("--lenient" in one for one in done.next)
    assert demi("replay", bad, *TOY, "--expect", "MutualExclusion").code == 1
    assert demi("minimize", bad, *TOY).code == 4


def test_lenient_on_the_corrected_system(demi: Demi, recorded: Path) -> None:
    done = demi("replay", recorded, *TOY, "--lenient", "--set", "forgetful=false", "--json")
    assert done.code == 0
    said = done.last("replay")
    assert said["used"] + len(said["absent"]) + said["left"] == len(load(recorded))
    assert said["absent"]
    strict = demi("replay", recorded, *TOY, "--set", "forgetful=false")
    assert strict.code == 4
    assert "other settings than recorded" in " ".join(strict.out.split())


def test_lenient_uses_everything_where_it_was_recorded(demi: Demi, recorded: Path) -> None:
    done = demi("replay", recorded, *TOY, "--lenient", "--json")
    assert done.code == 1
    said = done.last("replay")
    assert (said["used"], said["absent"], said["alike"]) == (len(load(recorded)), [], [])


def test_another_release_is_said(demi: Demi, recorded: Path) -> None:
    newer = (demi.folder / "toy.py").read_text().replace('config: "1.0"', 'config: "2.0"')
    demi.write("toy.py", newer)
    done = demi("replay", recorded, *TOY)
    assert done.code == 1  # the change makes no difference to this run
    assert "recorded with toy 1.0; installed is 2.0" in done.out


def test_a_trace_never_names_code_to_import(demi: Demi, recorded: Path) -> None:
    demi.write("evil.py", "open('ran', 'w').close()")
    for name in ("evil:TARGET", "evil.py:TARGET"):
        bad = edited(recorded, "evil.jsonl", lambda ls, n=name: [renamed(ls[0], n), *ls[1:]])  # type: ignore[misc]
        for words in (("replay",), ("minimize",)):
            done = demi(*words, bad)
            assert done.code == 2
            assert f"recorded with target {name!r}; pass --target" in " ".join(done.err.split())
            assert any("--target" in one for one in done.next)
    assert not (demi.folder / "ran").exists()


def renamed(header: str, name: str) -> str:
    return json.dumps({**json.loads(header), "target": name}) + "\n"


def test_a_configured_target_needs_no_option(demi: Demi, recorded: Path) -> None:
    demi.write("pyproject.toml", '[tool.demi.targets.toy]\npath = "toy.py:TARGET"\n')
    assert demi("replay", recorded).code == 1


BAD = {
    "empty": (lambda ls: [], "not a trace"),
    "no header": (lambda ls: ls[1:], "not a demi trace"),
    "torn": (lambda ls: [*ls[:4], '{"id":"c1>serv\n', *ls[5:]], ":5"),
    "version": (lambda ls: [ls[0].replace('"version":1', '"version":77'), *ls[1:]], "version 77"),
    "deep": (lambda ls: [ls[0], '{"id":"c1!x#1","msg":' + "[" * 5000 + "]" * 5000 + "}\n"], ":2"),
    "huge": (lambda ls: [ls[0].replace('"seed":37', '"seed":' + "9" * 40), *ls[1:]], ":1"),
    "escape": (lambda ls: [ls[0], '{"id":"\\u001b[2Jx"}\n'], "event id"),
    "nodes": (lambda ls: [ls[0].replace('"c2"', '"c7"'), *ls[1:]], ":"),
    "config": (lambda ls: [ls[0].replace('"clients":2', '"clients":"x"'), *ls[1:]], "clients"),
    "setting": (lambda ls: [ls[0].replace('"clients"', '"client"'), *ls[1:]], "client"),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("words", [("replay", *TOY), ("minimize", *TOY)])
def test_a_bad_trace_is_refused_with_its_place(
    demi: Demi, recorded: Path, case: str, words: tuple[str, ...]
) -> None:
    edit, said = BAD[case]
    bad = edited(recorded, "bad.jsonl", edit)
    done = demi.here(*words, bad)
    assert done.code == 2, done.text
    assert said in done.err
    assert "bad.jsonl" in done.err
    assert "\x1b" not in done.text
    assert done.next


@pytest.mark.parametrize("words", [("replay", *TOY), ("view",), ("minimize", *TOY)])
def test_a_missing_file(demi: Demi, words: tuple[str, ...]) -> None:
    done = demi.here(*words, "nothing.jsonl")
    assert done.code == 2
    assert "nothing.jsonl" in done.err


def test_an_interrupted_record_is_still_good(demi: Demi, recorded: Path) -> None:
    cut = edited(recorded, "cut.jsonl", lambda ls: ls[:-1])
    assert demi("view", cut).code == 0
    assert demi("replay", cut, *TOY).code == 1
    done = demi("minimize", cut, *TOY)
    assert done.code == 2
    assert "no violation" in " ".join(done.err.split())


def test_minimize_writes_beside_its_input(demi: Demi, recorded: Path) -> None:
    before = recorded.read_bytes()
    done = demi("minimize", recorded, *TOY)
    assert done.code == 0, done.text
    small = recorded.with_name(recorded.stem + ".min.jsonl")
    assert "before" in done.out
    assert "replays" in done.out
    assert f"{len(load(recorded))} -> {len(load(small))} events" in done.out
    assert recorded.read_bytes() == before
    assert done.next
    again = demi("minimize", small, *TOY, "--json")
    assert again.code == 0
    assert again.last("summary")["after"] == len(load(small))
    assert small.with_name(recorded.stem + ".min2.jsonl").is_file()


def test_minimize_within_a_budget(demi: Demi, recorded: Path) -> None:
    done = demi("minimize", recorded, *TOY, "--max-replays", 2, "-o", "small.jsonl")
    assert done.code == 0, done.text
    assert "budget spent" in " ".join(done.out.split())
    assert demi("replay", "small.jsonl", *TOY).code == 1


def test_view_fits_and_is_plain(demi: Demi, recorded: Path) -> None:
    for width in (80, 200):
        done = demi("view", recorded, "--plain", "--width", width)
        assert done.code == 0
        assert max(map(len, done.out.splitlines())) <= width
        assert "VIOLATED MutualExclusion" in done.out
        assert "\x1b" not in done.out
    assert demi("view", recorded, "--ascii").out.isascii()
    assert demi("view", recorded, PYTHONIOENCODING="ascii").out.isascii()
    assert "\x1b[" in demi("view", recorded, "--color", "always").out


def test_view_of_a_window(demi: Demi, recorded: Path) -> None:
    done = demi("view", recorded, "--from", 3, "--to", 5, "--json")
    assert done.code == 0
    assert [row["step"] for row in done.json if row["step"]] == [3, 4, 5]
    for words in (("--from", 5, "--to", 3), ("--from", 10**6), ("--from", 0), ("--width", 3)):
        assert demi.here("view", recorded, *words).code == 2


def test_view_needs_no_target(demi: Demi, recorded: Path) -> None:
    (demi.folder / "toy.py").unlink()
    assert demi("view", recorded).code == 0


def test_a_reader_that_stops_is_no_error(demi: Demi, recorded: Path) -> None:
    import subprocess

    from .conftest import ENVIRONMENT

    with subprocess.Popen(
        demi.argv("view", recorded), cwd=demi.folder, env=ENVIRONMENT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as viewer:  # fmt: skip
        assert viewer.stdout is not None
        viewer.stdout.close()
        assert viewer.stderr is not None
        assert viewer.stderr.read() == ""


def test_minimize_explains_every_event(demi: Demi, recorded: Path) -> None:
    done = demi("minimize", recorded, *TOY, "--explain", "--json")
    assert done.code == 0, done.text
    told = [one for one in done.json if one["type"] == "why"]
    assert len(told) == done.last("summary")["after"]
    assert done.last("summary")["minimality"] == "minimal within the bound"
    text = demi("minimize", recorded, *TOY, "--explain").out
    assert "verdict   minimal within the bound" in text and "states exhausted" in text
    assert "because   " in text
    assert "without ext:" in text
    short = demi("minimize", recorded, *TOY, "--explain", "--max-replays", 2).out
    assert "verdict   not established" in short


def test_an_emitted_test_fails_until_the_bug_is_gone(demi: Demi, recorded: Path) -> None:
    done = demi("minimize", recorded, *TOY, "--emit-test", "tests/test_lock.py")
    assert done.code == 0, done.text
    assert "tests/test_lock.py" in done.out

    def run() -> int:
        import subprocess
        import sys

        from .conftest import ENVIRONMENT

        words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
        done = subprocess.run(
            words, cwd=demi.folder, env=ENVIRONMENT, capture_output=True, text=True, check=False
        )
        assert done.returncode in (0, 1), done.stdout
        return done.returncode

    assert run() == 1
    source = (demi.folder / "toy.py").read_text("utf-8")
    fixed = source.replace('"" if self.forgetful else ctx', "ctx")
    assert fixed != source
    (demi.folder / "toy.py").write_text(fixed, "utf-8")
    assert run() == 0


def test_an_emitted_test_is_a_python_file(demi: Demi, recorded: Path) -> None:
    assert demi("minimize", recorded, *TOY, "--emit-test", "lock.txt").code == 2
    assert demi("minimize", recorded, *TOY, "--emit-test", "toy.py/x.py").code == 2


def test_another_pipeline(demi: Demi, recorded: Path) -> None:
    done = demi("minimize", recorded, *TOY, "--pipeline", "demi-sts", "--json")
    assert done.code == 0, done.text
    names = [one["name"] for one in done.json if one["type"] == "stage"]
    assert names == ["provenance", "externals", "tails"]
    assert done.last("summary")["minimality"] == "not established"
    wrong = demi.here("minimize", recorded, *TOY, "--pipeline", "demi")
    assert wrong.code == 2
    assert "demi-sts" in wrong.err


def test_times_tells_how_often_with_its_interval(demi: Demi, recorded: Path) -> None:
    done = demi("--json", "replay", recorded, "--target", "toy.py", "--times", 4, "--lenient")
    assert (done.last("rate")["hits"], done.last("rate")["tries"]) == (4, 4)
    assert done.last("rate")["low"] == 0.5101


def test_minimizing_by_majority_tells_the_rate_of_the_result(demi: Demi, recorded: Path) -> None:
    words = ("minimize", recorded, "--target", "toy.py", "--repeat", 3, "-o", "small.jsonl")
    done = demi("--json", *words)
    assert done.code == 0, done.text
    assert done.last("rate") | {"schema": 1} == {
        "type": "rate", "schema": 1, "hits": 20, "tries": 20, "low": 0.8389, "high": 1.0,
    }  # fmt: skip
    assert demi("replay", "small.jsonl", "--target", "toy.py").code == 1
