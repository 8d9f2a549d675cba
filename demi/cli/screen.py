"""`--ui`: the progress of a campaign on a full screen, until the user leaves it or the work ends.

The one insight: the screen is another process that is told figures and owns the terminal, so the work
neither waits for it nor ends with it; when it has gone, progress goes on as the usual line.

Not here: the screen (`demi/viewer/campaign.py`).
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import termios
from types import TracebackType
from typing import TYPE_CHECKING, Any

from demi.cli.progress import LIVE_SECONDS, Progress

if TYPE_CHECKING:
    from demi.viewer.figures import Figures

END_SECONDS = 5.0  # for the screen to give the terminal back; then it is ended and we do it
LEAVE = (
    "\x1b[?1049l\x1b[?25h\x1b[?1000l\x1b[?1003l\x1b[?1006l"  # the usual screen, cursor, no mouse
)


class Screen(Progress):
    """Progress with a screen.  Used as a context manager around the work."""

    def __init__(self, title: str, quiet: bool, color: str, plain: bool) -> None:
        super().__init__(quiet, color)
        self._title = title
        self._plain = plain
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe = -1
        self._next = 0.0
        self._before: list[Any] = []

    def __enter__(self) -> Screen:
        theirs, self._pipe = os.pipe()
        os.set_blocking(self._pipe, False)  # a screen that hangs may not stop the work
        self._before = termios.tcgetattr(sys.stdin.fileno())
        environment = dict(os.environ) if self._colored() else {**os.environ, "NO_COLOR": "1"}
        words = ["--ascii"] if self._plain else []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "demi.viewer.campaign", str(theirs), self._title, *words],
            pass_fds=(theirs,), env=environment,
        )  # fmt: skip
        os.close(theirs)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._leave()
        super().__exit__(kind, error, tb)

    @property
    def watched(self) -> bool:
        """Is the screen there?  When it has just gone, the usual line comes."""
        if self._process is not None and self._process.poll() is not None:
            self._leave()
            super().__enter__()
        return self._process is not None

    def tell(self, text: str) -> None:
        if not self.watched:
            super().tell(text)

    def figures(self, now: Figures) -> None:
        import msgspec

        if now.seconds < self._next or not self.watched:
            return
        self._next = now.seconds + LIVE_SECONDS
        self._send(msgspec.json.encode(now) + b"\n")

    def _send(self, line: bytes) -> None:
        with contextlib.suppress(OSError):  # full: the screen hangs; closed: it was left
            os.write(self._pipe, line)

    def _leave(self) -> None:
        """The terminal as it was, whatever became of the screen."""
        process, self._process = self._process, None
        if process is None:
            return
        self._send(b"\n")
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        os.close(self._pipe)
        if process.returncode:
            sys.stderr.write(LEAVE)
        termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, self._before)
