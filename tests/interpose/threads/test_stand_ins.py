"""Programs as written, on the stand-ins: what they compute, what they may not reach."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from demi.errors import TargetError
from demi.interpose.sites import EscapeError
from demi.interpose.threads.kernel import Kernel
from demi.interpose.threads.net import Net
from demi.interpose.threads.program import Image, Program
from demi.interpose.threads.watchdog import StuckError, WallBudget


def held(directory: Path, text: str, **options: Any) -> tuple[Kernel, Image]:
    path = directory / "held.py"
    path.write_text("OUT = []\n" + text)
    kernel = Kernel(["n1"])
    kernel.network = Net(kernel, lambda *message: pytest.fail("nothing travels in one node"))
    return kernel, Image(Program(f"{path}:main", **options), kernel, kernel.hosts[0])


def run(kernel: Kernel, image: Image, seed: int = 1, wall: float = 30.0) -> list[Any]:
    """Run to the end of all timers; what the program put in OUT."""
    kernel.reset(seed)
    kernel.network.reset()
    image.reset()
    host = kernel.hosts[0]
    host.up = True
    with image.inside(), WallBudget(wall):
        kernel.spawn(host, image.main, name="main")
        kernel.settle(host)
        while (due := kernel.due()) is not None and kernel.clocks[0] < 1000:
            kernel.fire(*due)
            kernel.settle(host)
    out: list[Any] = image.modules["held"].OUT  # type: ignore[attr-defined]
    return list(out)


CASES: dict[str, tuple[str, list[Any]]] = {
    "event": (
        """
import threading, time
def main():
 e=threading.Event()
 OUT.append((e.wait(3), time.monotonic()))
 threading.Timer(2, e.set).start()
 OUT.append((e.wait(3), time.monotonic()))
""",
        [(False, 3.0), (True, 5.0)],
    ),
    "queue": (
        """
import queue, threading, time
q=queue.Queue(1)
def feed():
 for i in range(3): q.put(i); OUT.append(('put', i, time.time()))
def main():
 threading.Thread(target=feed).start()
 for i in range(3): time.sleep(1); OUT.append(q.get())
 try: q.get(timeout=2)
 except queue.Empty: OUT.append(time.monotonic())
""",
        [
            ("put", 0, 1700000000.0),
            0,
            ("put", 1, 1700000001.0),
            1,
            ("put", 2, 1700000002.0),
            2,
            5.0,
        ],
    ),
    "condition": (
        """
import threading
c=threading.Condition()
def wait(i):
 with c:
  c.wait(); OUT.append(i)
def main():
 for i in range(3): threading.Thread(target=wait,args=(i,)).start()
 import time; time.sleep(1)
 with c: c.notify_all()
 for t in threading.enumerate():
  if t is not threading.current_thread() and t.name.startswith('Thread'): t.join()
 OUT.append('joined')
""",
        [0, 1, 2, "joined"],
    ),
    "barrier and semaphore": (
        """
import threading
b=threading.Barrier(2); s=threading.Semaphore(1)
def other():
 b.wait(); OUT.append(s.acquire(timeout=1));
def main():
 s.acquire(); threading.Thread(target=other).start(); b.wait()
 OUT.append('met')
""",
        ["met", False],
    ),
    "sockets": (
        """
import socket, threading
def serve(s):
 c,_=s.accept()
 with c.makefile('rwb') as f:
  for line in f: f.write(line.upper()); f.flush()
def main():
 s=socket.create_server(('localhost',0)); threading.Thread(target=serve,args=(s,)).start()
 c=socket.create_connection(s.getsockname()); c.sendall(b'hello\\nyou\\n'); f=c.makefile('rb')
 OUT.extend([f.readline(), f.readline()]); c.settimeout(1)
 try: c.recv(1)
 except TimeoutError as e: OUT.append(str(e))
 try: socket.create_connection(('localhost', 9))
 except ConnectionRefusedError: OUT.append('refused')
 c.close()
""",
        [b"HELLO\n", b"YOU\n", "timed out", "refused"],
    ),
    "selectors": (
        """
import selectors, socket
def main():
 a,b=socket.socketpair(); s=selectors.DefaultSelector()
 s.register(a, selectors.EVENT_READ, 'A'); OUT.append(s.select(1)); b.send(b'x')
 OUT.append([(k.data, m) for k,m in s.select(1)]); b.close(); a.recv(5); OUT.append(a.recv(5))
""",
        [[], [("A", 1)], b""],
    ),
    "select and poll": (
        """
import select, socket
def main():
 a,b=socket.socketpair(); p=select.poll(); p.register(a, select.POLLIN)
 OUT.append(p.poll(1000)); b.send(b'x'); OUT.append([m for _,m in p.poll()])
 OUT.append(select.select([a],[a],[],0)[0]==[a]); OUT.append(select.select([b],[],[],0.5))
""",
        [[], [1], True, ([], [], [])],
    ),
    "pipes": (
        """
import os, threading
def main():
 r,w=os.pipe()
 threading.Timer(1, os.write, (w, b'hi')).start()
 OUT.append(os.read(r, 10))
""",
        [b"hi"],
    ),
    "udp": (
        """
import socket
def main():
 a=socket.socket(type=socket.SOCK_DGRAM); a.bind(('localhost', 53))
 b=socket.socket(type=socket.SOCK_DGRAM); b.sendto(b'q', ('localhost', 53)); OUT.append(a.recvfrom(9)[0])
""",
        [b"q"],
    ),
    "dates": (
        """
import datetime, time
def main():
 time.sleep(1.5)
 OUT.append(datetime.datetime.utcnow().isoformat())
""",
        ["2023-11-14T22:13:21.500000"],
    ),
    "executor": (
        """
from concurrent.futures import ThreadPoolExecutor
import time
def job(i):
 time.sleep(3-i); return i
def main():
 with ThreadPoolExecutor(3) as pool: OUT.extend(pool.map(job, range(3)))
 OUT.append(time.monotonic())
""",
        [0, 1, 2, 3.0],
    ),
}


@pytest.mark.parametrize("case", sorted(CASES))
def test_programs_run_as_written_under_virtual_time(case: str, tmp_path: Path) -> None:
    text, expected = CASES[case]
    kernel, image = held(tmp_path, text)
    assert run(kernel, image) == expected
    assert run(kernel, image) == expected  # nothing of the first run is left
    assert kernel.failures == []
    assert "held" not in sys.modules
    assert type(threading.Lock()).__module__ == "_thread"


def test_randomness_follows_the_seed_and_only_it(tmp_path: Path) -> None:
    text = (
        "import os, random, secrets, uuid\ndef main():\n"
        " OUT.extend([random.random(), random.Random().random(), random.Random(5).random(),"
        " os.urandom(4), secrets.token_hex(4), str(uuid.uuid4()), random.SystemRandom().random()])"
    )
    kernel, image = held(tmp_path, text)
    first, again, other = run(kernel, image, 1), run(kernel, image, 1), run(kernel, image, 2)
    assert first == again
    assert [a == b for a, b in zip(first, other, strict=True)] == [False, False, True] + [False] * 4


def test_state_of_modules_and_classes_is_put_back(tmp_path: Path) -> None:
    text = (
        "import itertools\nN = [0]\nclass Leader:\n    known = {}\n    term = 0\n"
        "def main():\n N[0] += 1; Leader.known[N[0]] = 1; Leader.term += 1; Leader.extra = 1\n"
        " OUT.append((N[0], dict(Leader.known), Leader.term))"
    )
    kernel, image = held(tmp_path, text)
    assert [run(kernel, image) for _ in range(3)] == [[(1, {1: 1}, 1)]] * 3


def test_state_is_put_back_that_changes_in_some_runs_only_or_only_in_its_order(
    tmp_path: Path,
) -> None:
    text = (
        "import collections, random\nRUNS = collections.OrderedDict(a=1, b=2, c=3)\nSEEN = {'x': 1}\n"
        "KIND = type('Kind', (), {'field': 1})\nSET, QUEUE = {1}, collections.deque([1])\n"
        "def main():\n"
        " OUT.append((list(RUNS), dict(SEEN), KIND.field, set(SET), list(QUEUE)))\n"
        " SEEN['x'] = 2; SEEN['x'] = 1\n"  # changed back: what it was
        " if random.random() < 0.5: RUNS.move_to_end('a'); SEEN['y'] = KIND.field = 2\n"
        " else: del SEEN['x']; SET.add(2); QUEUE.appendleft(0)"
    )
    kernel, image = held(tmp_path, text)
    first = [(["a", "b", "c"], {"x": 1}, 1, {1}, [1])]
    assert [run(kernel, image, seed) for seed in range(8)] == [first] * 8


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("import subprocess; subprocess.Popen(['true'])", "a real subprocess escaped"),
        ("open('written', 'w')", "a real file escaped"),
        ("import time; time.pthread_getcpuclockid(1)", "time.pthread_getcpuclockid is not held"),
        ("import ssl; ssl.create_default_context().wrap_socket(None)", "ssl is refused"),
        ("import multiprocessing; multiprocessing.Process()", "multiprocessing.Process is refused"),
    ],
)
def test_what_is_not_held_is_named_with_its_call_site(
    body: str, error: str, tmp_path: Path
) -> None:
    kernel, image = held(tmp_path, f"def main():\n {body}")
    run(kernel, image)
    (failure,) = [error for _, error in kernel.failures]
    assert isinstance(failure, EscapeError)
    assert error in failure.what
    assert failure.where.endswith("main:3") or "subprocess" in failure.where
    assert failure.remedy


def test_a_thread_that_raises_surfaces(tmp_path: Path) -> None:
    text = (
        "import threading\ndef bad(): 1/0\n"
        "def main():\n t = threading.Thread(target=bad); t.start(); t.join(); OUT.append(1)"
    )
    kernel, image = held(tmp_path, text)
    assert run(kernel, image) == [1]
    assert [type(error) for _, error in kernel.failures] == [ZeroDivisionError]


def test_a_loop_on_the_clock_is_made_to_wait_and_named(tmp_path: Path) -> None:
    kernel, image = held(
        tmp_path,
        "import time\ndef main():\n while time.time() < 1700000000.1: pass\n OUT.append(1)",
    )
    assert run(kernel, image) == [1]
    assert kernel.spun
    assert kernel.spun[0].endswith("held.main:4")


def test_a_loop_that_never_waits_is_set_aside_and_named(tmp_path: Path) -> None:
    text = """
import threading
def loop():
 while True:
  try:
   while True: pass
  except BaseException: pass
"""
    kernel, image = held(
        tmp_path, text + "def main():\n threading.Thread(target=loop).start(); OUT.append(1)"
    )
    assert run(kernel, image, wall=0.5) == [1]
    (error,) = [error for _, error in kernel.failures]
    assert isinstance(error, StuckError)
    assert "held.loop:" in str(error)
    assert run(kernel, image, wall=0.5) == [1]  # and the next run is none the worse


def test_programs_that_cannot_be_held_are_refused(tmp_path: Path) -> None:
    for text, error in (
        ("import no_such_module", "ModuleNotFoundError"),
        ("import threading; l = threading.Lock(); l.acquire(); l.acquire()", "outside any thread"),
        ("main = 3", "no function 'main'"),
    ):
        with pytest.raises(Exception, match=error):
            held(tmp_path, text)
    with pytest.raises(TargetError, match="module:function"):
        Image(Program("held"), Kernel(["n1"]), Kernel(["n1"]).hosts[0])
    import socketserver  # the real one, as somebody would who imports the program first

    kernel = Kernel(["n1"])
    with pytest.raises(EscapeError, match=r"imported before .*: socketserver\.\w+"):
        Image(Program(socketserver.ThreadingMixIn), kernel, kernel.hosts[0])  # type: ignore[arg-type]
