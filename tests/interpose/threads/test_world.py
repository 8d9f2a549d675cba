"""Threaded programs as a world: what is an event, what faults do, that runs repeat, that engines work."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from demi.errors import TargetError
from demi.events import Event, External, Kind, number
from demi.interpose.framing import Lines
from demi.interpose.threads.program import Program
from demi.interpose.threads.world import ThreadsWorld
from demi.oracle import Detail, View, check_all, memories

ROOT = Path(__file__).parents[3]
ECHO = """
import socket, threading, time
GOT = []
FAILED = []
def serve(name):
    server = socket.create_server(("", 7))
    while True:
        connection, _ = server.accept()
        threading.Thread(target=answer, args=(connection,)).start()
def answer(connection):
    for line in connection.makefile("rb"):
        GOT.append(line.decode().strip())
        connection.sendall(b"ok " + line)
def ask(peer, word):
    try:
        with socket.create_connection((peer, 7), timeout=5) as connection:
            for part in word.split():
                connection.sendall(part.encode() + b"\\n")
                GOT.append(connection.makefile("rb").readline().decode().strip())
    except OSError as error:
        FAILED.append(type(error).__name__)
def boom():
    raise RuntimeError("boom")
"""


@pytest.fixture
def world(tmp_path: Path) -> ThreadsWorld:
    return make(tmp_path)


def make(directory: Path, **options: Any) -> ThreadsWorld:
    path = directory / "echo_node.py"
    path.write_text(ECHO)
    program = Program(f"{path}:serve")
    kept: dict[str, Any] = {
        "observe": lambda threads, modules: (
            tuple(modules["echo_node"].GOT),
            tuple(modules["echo_node"].FAILED),
        )
    }
    return ThreadsWorld(
        {"n1": program, "n2": program},
        inputs={
            "ask": lambda modules, args: modules["echo_node"].ask(args["peer"], args["word"]),
            "boom": lambda modules, args: modules["echo_node"].boom(),
        },
        decoder=lambda port: Lines(),
        **kept | options,
    )


def ask(node: str, peer: str, word: str) -> External:
    return External(Kind.INJECT, (node,), "ask", {"peer": peer, "word": word})


def play(world: ThreadsWorld, limit: int = 100) -> list[str]:
    """Take the first enabled event until there is none; their names."""
    names = []
    while (enabled := world.enabled()) and len(names) < limit:
        event = enabled[0]
        names.append(name_of(world, event))
        world.take(event)
    return names


def name_of(world: ThreadsWorld, event: Event) -> str:
    label = world.label(event)
    if event[0] == Kind.DELIVER:
        return f"{world.names[event[2]]}>{world.names[event[1]]}:{label}"
    return f"{world.names[event[1]]}!{label}"


PROMPT = """
import socket
GOT, FAILED = [], []
def serve():
    with socket.create_server(("", 700)) as server:
        while True:
            connection, _ = server.accept()
            connection.sendall(b"login: ")
            GOT.append(connection.recv(9).decode())
            connection.sendall(b"hello\\n")
            connection.close()
def ask(peer, word):
    with socket.create_connection((peer, 700)) as connection:
        GOT.append(connection.recv(9).decode())
        connection.sendall(word.encode() + b"\\n")
        GOT.append(connection.recv(9).decode())
"""


def test_a_message_that_its_sender_does_not_finish_arrives_in_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "ECHO", PROMPT)
    world = make(tmp_path)
    world.reset(1)
    world.offer([ask("n1", "n2", "me")])
    played = play(world)
    assert [name for name in played if name.startswith(("n1>n2:me", "n2>n1:"))] == [
        "n2>n1:accepted",
        "n2>n1:part",
        "n1>n2:me",
        "n2>n1:login:",
        "n2>n1:fin",
    ]
    assert world.observe().state(0) == (("login: ", "hello\n"), ())


def test_events_are_messages_by_the_decoder_and_threads_that_others_woke(
    world: ThreadsWorld,
) -> None:
    world.reset(1)
    assert list(world.enabled()) == []
    world.offer([ask("n1", "n2", "a b")])
    assert play(world) == [
        "n1!ask",
        "n1>n2:connect",
        "n2>n1:accepted",
        "n1>n2:a",
        "n2!answer:resume",
        "n2>n1:ok",
        "n1>n2:b",
        "n2>n1:ok",
        "n1>n2:fin",
        "n2!main:resume",
    ]
    assert world.observe().state(0) == (("ok a", "ok b"), ())
    assert world.observe().state(1) == (("a", "b"), ())


class Asked:
    """An invariant that counts, and breaks when it is asked about nobody."""

    name, doc = "Asked", "somebody was touched"

    def start(self) -> int:
        return 0

    def check(self, view: View, memory: int) -> tuple[int, Detail | None]:
        return memory + 1, None if view.touched else Detail((), "nobody")


def test_nodes_are_read_when_somebody_looks_and_invariants_asked_of_what_a_step_touched(
    tmp_path: Path,
) -> None:
    looks: list[int] = []

    def observe(threads: Mapping[str, str], modules: Mapping[str, Any]) -> Any:
        looks.append(len(looks))
        return tuple(modules["echo_node"].GOT)

    world = make(tmp_path, observe=observe)
    world.offer(number((ask("n1", "n2", "a"),)))
    world.take(world.enabled()[-1])
    assert not looks
    view = world.observe()
    assert list(view.touched) == [0, 1]  # whoever looks for the first time has missed something
    seen = [view.state(0), view.state(1)]
    memory, changed, steps = memories((Asked(),)), 0, 0
    while enabled := world.enabled():
        event = enabled[0]
        world.take(event)
        steps += 1
        assert check_all((Asked(),), view, memory, steps) is None
        now = [view.state(0), view.state(1)]
        assert [i for i in (0, 1) if now[i] != seen[i]] == list(view.touched)
        changed += now != seen
        seen = now
    assert seen == [("ok a",), ("a",)]
    assert memory == [changed]
    assert 0 < changed < steps < len(looks)
    world.close()


def test_a_step_that_is_not_enabled_changes_nothing(world: ThreadsWorld) -> None:
    world.reset(1)
    before = world.digest()
    step = world.step((int(Kind.DELIVER), 0, 1, 0))
    assert not step.enabled
    assert world.digest() == before


def walk(world: ThreadsWorld, seed: int, faults: bool = True) -> list[tuple[str, str, str]]:
    """A random run with inputs and faults: per step its name, and both digests."""
    draw = random.Random(seed)
    world.reset(seed)
    externals = [ask(f"n{1 + i % 2}", f"n{2 - i % 2}", f"w{i} v{i}") for i in range(4)]
    if faults:
        pair = ("n1", "n2")
        externals += [External(kind, ("n2",)) for kind in (Kind.CRASH, Kind.RESTART)]
        links = (Kind.CUT, Kind.HEAL)
        externals += [External(kind, pair, one_way=way) for way in (False, True) for kind in links]
    world.offer(number(externals))
    record = []
    for _ in range(200):
        enabled = world.enabled()
        if not enabled:
            break
        assert list(enabled) == sorted(set(enabled))
        event = enabled[draw.randrange(len(enabled))]
        assert world.allowed(event)
        name = name_of(world, event)
        world.take(event)
        record.append((name, world.node_digest(event[1]), world.digest().hex()))
    return record


@pytest.mark.parametrize("timers", ["ordered", "free", "bounded(0.25)"])
def test_the_same_seed_gives_the_same_run(timers: str, tmp_path: Path) -> None:
    world = make(tmp_path, timers=timers)
    runs = [walk(world, seed) for seed in (1, 2, 3, 1, 2, 3)]
    assert runs[:3] == runs[3:]
    assert runs[0] != runs[1]
    other = make(tmp_path, timers=timers)
    assert walk(other, 3) == runs[2]
    assert len({name for run in runs for name, _, _ in run}) > 15


def test_the_hash_seed_does_not_matter(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tests.interpose.threads.test_world import make, walk;"
        f"print([walk(make(Path({str(tmp_path)!r})), s) for s in range(3)])"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, cwd=ROOT,
            check=True, capture_output=True, text=True,
        ).stdout
        for seed in ("0", "77")
    }  # fmt: skip
    assert len(said) == 1


def test_a_crash_resets_connections_and_a_restart_begins_anew(world: ThreadsWorld) -> None:
    world.reset(1)
    world.offer(
        [ask("n1", "n2", "a"), External(Kind.CRASH, ("n2",)), External(Kind.RESTART, ("n2",))]
    )
    names = []
    while "n2>n1:accepted" not in names:
        event = world.enabled()[0]
        names.append(name_of(world, event))
        world.take(event)
    (crash,) = [event for event in world.enabled() if event[0] == Kind.CRASH]
    step = world.take(crash)
    assert [world.names[event[1]] for event in step.sent] == ["n1"]  # told by a reset
    assert len(step.lost) == 1
    assert world.observe().state(1) is None
    assert play(world)[0] == "n2>n1:reset"
    assert world.observe().state(0) == ((), ("ConnectionResetError",))
    assert world.observe().state(1) == ((), ())


def test_a_cut_refuses_and_a_hold_waits(world: ThreadsWorld) -> None:
    pair = ("n1", "n2")
    world.reset(1)
    (cut,) = world.offer([External(Kind.CUT, pair)])
    world.take(cut)
    world.offer([ask("n1", "n2", "a")])
    play(world)
    assert world.observe().state(0)[1] == ("ConnectionRefusedError",)
    world.reset(1)
    (cut,) = world.offer([External(Kind.CUT, pair, one_way=True)])
    world.take(cut)
    world.offer([ask("n1", "n2", "a")])
    assert play(world) == ["n1!ask", "n1!ask"]  # the input, then its timeout: the request is held
    assert world.observe().state(0)[1] == ("TimeoutError",)
    world.offer([External(Kind.HEAL, pair, one_way=True)])
    assert "n1>n2:connect" in play(world)


def test_an_exception_in_a_thread_is_a_crash_of_its_node(world: ThreadsWorld) -> None:
    world.reset(1)
    world.offer([External(Kind.INJECT, ("n1",), "boom", {})])
    failure = world.take(world.enabled()[0]).failure
    assert failure is not None
    assert (failure.node, failure.error, failure.message) == ("n1", "RuntimeError", "boom")
    assert failure.where.startswith("boom:")
    assert not world.alive(0)


def test_what_the_outside_cannot_do_is_refused(world: ThreadsWorld) -> None:
    world.reset(1)
    for external, error in (
        (External(Kind.DROP, ("n1", "n2")), "no drop"),
        (External(Kind.INJECT, ("n1",), "nothing"), "no input 'nothing'"),
        (External(Kind.CUT, ("n1", "n1")), "two different ends"),
        (External(Kind.CRASH, ("n9",)), "no node 'n9'"),
    ):
        with pytest.raises(TargetError, match=error):
            world.offer([external])
    with pytest.raises(TargetError, match="cannot be a node name"):
        ThreadsWorld({"1": Program("x:y")})


@pytest.mark.parametrize(("locks", "finds"), [("none", "MoneyKept"), ("held", "NoDeadlock")])
def test_the_example_is_found_shrunk_and_replayed(locks: str, finds: str, tmp_path: Path) -> None:
    def demi(*words: str) -> tuple[int, str]:
        done = subprocess.run(
            [Path(sys.executable).parent / "demi", *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    example = str(ROOT / "examples" / "bank.py")
    code, said = demi(
        "fuzz", example, "--set", f"locks={locks}", "--seed", "1", "-n", "50", "-j", "1"
    )
    assert code == 1, said
    assert f"VIOLATED {finds}" in said
    assert "(2 externals)" in said
    (trace,) = (tmp_path / "traces").glob("*.min.jsonl")
    code, said = demi("replay", str(trace), "--target", example)
    assert code == 1, said
    assert "each identical" in said
    code, said = demi("view", str(trace), "--plain")
    assert "add#1" in said
