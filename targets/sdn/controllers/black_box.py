"""A controller as a child process over TCP on loopback, in any language.

The one insight: when every thread of its process tree sleeps and none has run between two looks
(`processes.py`), it has finished reacting; only its own timers can still move it.

Time is real here, so a replay is best effort and says so.  Nothing is left behind: its whole tree is ended
here, or by a keeper when this process is killed.  Not here: reproduction rates (whoever replays counts).
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from typing import IO, Any

import psutil

from demi.errors import TargetError
from demi.interpose.escapes import unguarded
from targets.sdn.controllers.interface import Trouble
from targets.sdn.controllers.keeper import Keeper
from targets.sdn.controllers.lines import Lines
from targets.sdn.controllers.processes import (
    GONE_SECONDS,
    LOOK_SECONDS,
    await_group,
    free_port,
    look,
    tree_of,
)

START_SECONDS = 20.0
REST_SECONDS = 5.0  # the longest wait for rest
WRITTEN_MAX = 16 << 20  # bytes between two rests
LOG_TAIL = 20  # lines shown of a controller that does not start


class BlackBox:
    """A `Controller`.  command: its words, with `{port}` where the port goes.  wall: seconds of real
    time a run may take in all, after which the child is ended.  start: of these, until it listens.
    """

    how = "black box"
    exact = False

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        environ: Mapping[str, str] | None = None,
        path: Sequence[str] = (),
        directory: str | None = None,
        wall: float = 120.0,
        start: float = START_SECONDS,
    ) -> None:
        self.name = name
        self._command = list(command)
        self._environ = dict(environ or {})
        self._path = list(path)
        self._directory = directory
        self._wall, self._start = wall, start
        self._child: subprocess.Popen[bytes] | None = None
        self._output: IO[bytes] | None = None
        self._lines = Lines()
        self._noted: list[Trouble] = []
        self._owner = os.getpid()  # a fork of this process ends nothing
        self._keeper = Keeper()
        self._port = 0
        self._began = 0.0
        self._read = 0

    # ---- the life of the child

    @property
    def alive(self) -> bool:
        return self._child is not None and self._child.poll() is None

    @property
    def now(self) -> float:
        return time.monotonic() - self._began

    def start(self, seed: int) -> None:
        self._kill()
        self._lines, self._noted = Lines(), []
        self._began = time.monotonic()
        self._seed = seed
        self._boot()

    def _boot(self) -> None:
        self._port = free_port()
        words = [word.replace("{port}", str(self._port)) for word in self._command]
        environ = {
            **os.environ,
            "PYTHONHASHSEED": str(self._seed % 4294967296),
            "PYTHONDONTWRITEBYTECODE": "1",
            **{
                key: value.replace("{port}", str(self._port))
                for key, value in self._environ.items()
            },
        }
        if self._path:
            known = [environ["PYTHONPATH"]] if environ.get("PYTHONPATH") else []
            environ["PYTHONPATH"] = os.pathsep.join([*self._path, *known])
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - closed by _kill
        self._read = 0
        try:
            self._child = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=self._output, stderr=self._output,
                cwd=self._directory, env=environ, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            self._kill()
            raise TargetError(
                f"the controller {self.name} cannot be started: {error.strerror}",
                where=words[0],
                remedy="check the command line",
            ) from error
        self._keeper.watch(self._child.pid)
        self._await_port(words)

    def _await_port(self, words: list[str]) -> None:
        end = time.monotonic() + self._start
        while time.monotonic() < end and self.alive:
            try:
                socket.create_connection(("127.0.0.1", self._port), 0.2).close()
            except OSError:
                time.sleep(0.01)
            else:
                self.quiesce()
                return
        code = None if self._child is None else self._child.poll()
        tail = " | ".join(self.log()[-LOG_TAIL:]) or "it wrote nothing"
        self._kill()
        what = (
            f"ended with code {code}"
            if code is not None
            else f"did not listen on 127.0.0.1:{self._port} in {self._start:g} s"
        )
        raise TargetError(
            f"the controller {self.name} {what}",
            where=" ".join(words),
            remedy=f"its output: {tail}",
        )

    def crash(self) -> None:
        self._kill()

    def restart(self) -> None:
        """Start it again; that it does not come up is part of the run, not the end of the hunt."""
        if self.alive:
            return
        try:
            self._boot()
        except TargetError as error:
            said = error.what.replace(f" on 127.0.0.1:{self._port}", "")  # another one in each run
            self._noted.append(Trouble("start", f"{said}, when started again", "", error.remedy))

    def close(self) -> None:
        self._kill()
        if os.getpid() == self._owner:
            self._keeper.close()

    def _kill(self) -> None:
        """End the whole process tree, and wait until it is gone."""
        self._lines.hang_up()
        child, self._child = self._child, None
        if child is not None and os.getpid() == self._owner:
            tree = tree_of(child.pid)
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
            for process in tree:
                with contextlib.suppress(psutil.Error):
                    process.kill()
            child.wait()
            psutil.wait_procs(tree, timeout=GONE_SECONDS)
            await_group(child.pid)
            self._keeper.watch(0)
        if self._output is not None:
            self._output.close()
            self._output = None

    def __del__(self) -> None:
        if hasattr(self, "_keeper"):  # not when the constructor raised
            with unguarded():  # collected whenever Python likes, while a held program runs too
                self.close()

    # ---- channels

    def connect(self, dpid: int) -> bool:
        if self._lines.has(dpid):
            raise ValueError(f"switch {dpid} is connected to {self.name}")
        return self.alive and self._lines.connect(dpid, self._port)

    def disconnect(self, dpid: int) -> None:
        self._lines.disconnect(dpid)

    def feed(self, dpid: int, data: bytes) -> None:
        self._lines.feed(dpid, data, REST_SECONDS)

    def collect(self) -> list[tuple[int, bytes]]:
        self._lines.drain(0.0)
        return self._lines.collect()

    def closed(self) -> list[int]:
        return self._lines.closed()

    # ---- running

    def quiesce(self) -> None:
        end = time.monotonic() + REST_SECONDS
        before: Any = None
        while time.monotonic() < end and self._in_time():
            if self._lines.drain(LOOK_SECONDS):
                before = None
                continue
            now = self._look()
            if now is not None and now == before:
                return
            before = now
        if self.alive and self._in_time():
            self._noted.append(Trouble("stuck", f"no rest within {REST_SECONDS:g} s"))

    def _look(self) -> Any:
        """What every thread has run so far; None while one is running."""
        if self._child is None or self._child.poll() is not None:
            return "gone"
        return look(self._child.pid)

    def _in_time(self) -> bool:
        if self._lines.written > WRITTEN_MAX:
            self._end(f"it writes without end: {WRITTEN_MAX >> 20} MiB between two rests")
        elif self.now > self._wall:
            self._end(f"the wall budget of {self._wall:g} s is over; it was ended")
        else:
            return True
        return False

    def _end(self, why: str) -> None:
        if self.alive:
            remedy = "look at its output, in the log of the step"
            self._noted.append(Trouble("stuck", why, "", remedy))
            self._kill()
            self._lines.collect()  # nobody wants the rest

    def advance(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and self._in_time():
            self._lines.drain(left)
        self.quiesce()

    def deadline(self) -> float | None:
        return None

    def errors(self) -> list[Trouble]:
        if self._child is not None and self._child.poll() is not None:
            tail = (self.log() or [""])[-1]
            self._noted.append(Trouble("died", f"exit code {self._child.poll()} {tail}".strip()))
            self._kill()
        found, self._noted = self._noted, []
        return found

    def log(self) -> list[str]:
        if self._output is None:
            return []
        size = os.fstat(self._output.fileno()).st_size
        text = os.pread(self._output.fileno(), size - self._read, self._read)
        self._read = size
        return text.decode("utf-8", "replace").splitlines()

    def reload(self) -> None:
        if self._child is not None and self.alive:
            self._child.send_signal(signal.SIGHUP)

    def memory(self) -> int:
        if self._child is None or not self.alive:
            return 0
        total = 0
        for process in tree_of(self._child.pid):
            with contextlib.suppress(psutil.Error):
                total += process.memory_info().rss
        return total

    def apps(self) -> Mapping[str, Any]:
        return {}
