"""`demi minimize` on what users bring: minimal traces, other versions, several bugs, targets that hang."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from demi.trace_codec import load

from .conftest import Demi

TOY = ("--target", "toy.py")

SEVERAL = '''
"""One node that breaks in several ways, by what it has seen."""

from typing import Any

from demi.events import External, Kind
from demi.interpose.actor import Context, Node
from demi.interpose.actor_world import ActorWorld
from demi.oracle import Detail, StateInvariant
from demi.target import Choice, Profile, Target

LABELS = ("guard", "go", "a", "z")


class Seen(Node):
    def on_start(self, ctx: Context) -> None:
        self.seen = ()

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        self.seen += (msg,)
        if msg == "go" and "guard" not in self.seen:
            HANGS


def broken(view):
    state = view.state(0)
    seen = state["seen"] if state else ()
    if "z" not in seen:
        return None
    return Detail(("n",), "all seen", "with go" if "go" in seen else "without go")


def one(label):
    def make(draw, names, i):
        return [External(Kind.INJECT, ("n",), label)]

    return Choice(label, 1.0, make)


def inputs(label):
    return lambda args: label


TARGET = Target(
    "several", "breaks in several ways",
    lambda config: ActorWorld({"n": Seen}, inputs={label: inputs(label) for label in LABELS}),
    lambda config: [StateInvariant("Seen", "not all", broken)],
    lambda config: Profile(
        prefix=tuple(External(Kind.INJECT, ("n",), label) for label in LABELS[:2]),
        choices=tuple(one(label) for label in LABELS[2:]), items=(9, 9), steps=100,
    ),
    version=lambda config: "1.0",
)
'''


def several(demi: Demi, hangs: str = "pass") -> Path:
    """A trace of a target that shows `with go`, and the target where `go` alone does something else."""
    demi.write("several.py", SEVERAL.replace("HANGS", "pass"))
    words = ("--strategy", "fifo", "--seed", 1, "-n", 50, "-j", 1, "--no-minimize", "-o", "out")
    done = demi("fuzz", "several.py", *words[:-2], "--out", "out")
    assert done.code == 1, done.text
    demi.write("several.py", SEVERAL.replace("HANGS", hangs))
    return demi.traces("out")[0]


def plain(path: Path) -> tuple[object, ...]:
    """A trace but for where it came from."""
    trace = load(path)
    return trace.entries, trace.footer, trace.header.config


def test_minimizing_again_changes_nothing_but_the_parent(demi: Demi, recorded: Path) -> None:
    assert demi("minimize", recorded, *TOY, "-o", "once.jsonl").code == 0
    done = demi("minimize", "once.jsonl", *TOY, "-o", "twice.jsonl", "--json")
    assert done.code == 0
    assert done.last("summary")["before"] == done.last("summary")["after"]
    assert plain(demi.folder / "once.jsonl") == plain(demi.folder / "twice.jsonl")


def test_a_violation_that_slips_is_a_trace_of_its_own(demi: Demi) -> None:
    trace = several(demi)
    done = demi("minimize", trace, "--target", "several.py", "-o", "small.jsonl", "--json")
    assert done.code == 0, done.text
    small = load(demi.folder / "small.jsonl")
    assert [entry.id for entry in small] == ["ext:go(n)#1", "ext:z(n)#1"]
    assert small.violation is not None and small.violation.fingerprint == "Seen/with go"
    other = demi.folder / done.last("other")["saved"]
    assert load(other).violation.fingerprint == "Seen/without go"  # type: ignore[union-attr]
    for path, fingerprint in ((other, "Seen/without go"), ("small.jsonl", "Seen/with go")):
        words = ("replay", path, "--target", "several.py", "--expect", fingerprint)
        assert demi(*words).code == 0


@pytest.mark.parametrize("hangs", ["while True: pass", "import time; time.sleep(3600)"])
def test_a_candidate_that_hangs_is_ended_by_the_time_limit(demi: Demi, hangs: str) -> None:
    """`go` without `guard` never returns; what was found before is kept and verified."""
    trace = several(demi, hangs)
    words = ("--target", "several.py", "--max-time", "0.5s", "-o", "small.jsonl", "--json")
    done = demi("minimize", trace, *words)
    assert done.code == 0, done.text
    assert done.last("summary")["minimality"] == "not established"
    best = load(demi.folder / "small.jsonl")
    assert {"ext:guard(n)#1", "ext:go(n)#1"} <= {entry.id for entry in best}
    assert len(best) < len(load(trace))
    words = ("replay", "small.jsonl", "--target", "several.py", "--expect", "Seen/with go")
    assert demi(*words).code == 0


def other_release(demi: Demi, old: str, new: str) -> None:
    """The toy as a later release has it."""
    source = (demi.folder / "toy.py").read_text("utf-8").replace('config: "1.0"', 'config: "2.0"')
    assert old in source
    demi.write("toy.py", source.replace(old, new))


def test_a_trace_of_a_release_in_which_it_fails_no_more(demi: Demi, recorded: Path) -> None:
    other_release(demi, '"" if self.forgetful else ctx', "ctx")
    done = demi("minimize", recorded, *TOY)
    assert done.code == 4
    said = " ".join(done.err.split())
    assert "it was recorded with version 1.0, this is 2.0" in said
    assert re.search(r"event \d+ of \d+", said), "where"
    assert "demi minimize --repeat" in said, "what next"
    assert not list(demi.folder.glob("*.min.jsonl"))
    by_majority = demi("minimize", recorded, *TOY, "--repeat", 3)
    assert by_majority.code == 4
    assert "in 0 of 3" in " ".join(by_majority.err.split())


def test_a_trace_of_a_release_in_which_it_still_fails(demi: Demi, recorded: Path) -> None:
    """It is shrunk as it fails now; the result says which release it is of."""
    other_release(demi, '"at most one client holds the lock"', '"not two clients hold the lock"')
    done = demi("minimize", recorded, *TOY, "-o", "small.jsonl")
    assert done.code == 0, done.text
    assert "recorded with toy 1.0; installed is 2.0" in " ".join(done.text.split())
    header = json.loads((demi.folder / "small.jsonl").read_text("utf-8").splitlines()[0])
    assert header["target_version"] == "2.0"


def test_a_trace_that_breaks_earlier_than_recorded(demi: Demi) -> None:
    """The invariant became stricter: what comes behind the violation is left out, and that is said."""
    lax = SEVERAL.replace("HANGS", "pass").replace('if "z" not in seen', 'if seen.count("z") < 2')
    demi.write("several.py", lax)
    words = ("--strategy", "fifo", "--seed", 1, "-n", 50, "-j", 1, "--no-minimize", "--out", "out")
    assert demi("fuzz", "several.py", *words).code == 1
    (trace,) = demi.traces("out")[:1]
    words = ("minimize", trace, "--target", "several.py", "-o", "small.jsonl")
    assert "earlier" not in demi(*words).text
    demi.write("several.py", SEVERAL.replace("HANGS", "pass"))
    done = demi(*words, "--json")
    assert done.code == 0, done.text
    ids = [entry.id for entry in load(trace)]
    step, recorded = ids.index("ext:z(n)#1") + 1, ids.index("ext:z(n)#2") + 1
    told = done.last("earlier")
    assert (told["step"], told["recorded"], told["events"]) == (step, recorded, recorded - step)
    assert done.last("summary")["unread"] == recorded - step
    said = " ".join(demi(*words).text.split())
    assert f"comes at step {step} of the trace, not at {recorded} as recorded" in said


def test_the_ladder_of_the_oracle_says_what_each_rung_was_good_for(
    demi: Demi, recorded: Path
) -> None:
    done = demi("minimize", recorded, *TOY, "--oracle", "search", "-o", "small.jsonl", "--json")
    assert done.code == 0, done.text
    accepted = done.last("oracle")["accepted"]
    assert accepted["lenient"] > 0
    assert set(accepted) <= {"lenient", "unexpected", "search"}
    assert done.last("summary")["accepted"] == accepted
    assert demi("replay", "small.jsonl", *TOY).code == 1
    wrong = demi.here("minimize", recorded, *TOY, "--oracle", "serch")
    assert wrong.code == 2 and "--oracle" in wrong.err
    both = demi.here("minimize", recorded, *TOY, "--oracle", "search", "--repeat", 3)
    assert both.code == 2 and "--repeat" in both.err
