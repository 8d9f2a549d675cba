"""A headless Chromium for one page, driven over its DevTools protocol: real clicks, real style.

The one insight: a page opened from a file and a protocol over one socket need no driver program.  What
the page asks the network for is recorded, so a test can say that it asks for nothing.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from websockets.sync.client import connect

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-extensions",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--no-proxy-server", "--window-size=1400,1000",
    "--remote-debugging-port=0",
)  # fmt: skip
REPLY_SECONDS = 60.0  # a busy machine takes some; a hang is a failure with a name


class Page:
    """One file opened in a browser of its own.

    requested: URLs the page asked for, itself included.  errors: what its scripts threw.
    """

    def __init__(self, file: Path) -> None:
        assert CHROMIUM is not None
        self.requested: list[str] = []
        self.errors: list[str] = []
        self._loaded = False
        self._sent = 0
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._browser = subprocess.Popen(
            [CHROMIUM, *FLAGS, f"--user-data-dir={self._profile.name}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._open = ExitStack()
        there = connect(self._listening(), max_size=None, proxy=None)
        self._socket = self._open.enter_context(there)
        self._session = ""
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        attached = self._call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network"):
            self._call(f"{domain}.enable")
        self._call("Page.navigate", url=file.resolve().as_uri())
        while not self._loaded:
            self._receive()

    def _listening(self) -> str:
        assert self._browser.stderr is not None
        for line in self._browser.stderr:
            if line.startswith("DevTools listening on "):
                return line.split()[-1]
        raise AssertionError("the browser ended without listening")

    def __enter__(self) -> Page:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._open.close()
        self._browser.terminate()
        self._browser.wait(REPLY_SECONDS)
        assert self._browser.stderr is not None
        self._browser.stderr.close()
        self._profile.cleanup()

    def _call(self, method: str, **params: Any) -> dict[str, Any]:
        self._sent += 1
        message: dict[str, Any] = {"id": self._sent, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        self._socket.send(json.dumps(message))
        while True:
            reply = self._receive()
            if reply.get("id") == self._sent:
                assert "error" not in reply, reply["error"]
                result: dict[str, Any] = reply["result"]
                return result

    def _receive(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self._socket.recv(REPLY_SECONDS))
        event = message.get("method")
        if event == "Network.requestWillBeSent":
            self.requested.append(message["params"]["request"]["url"])
        elif event == "Runtime.exceptionThrown":
            self.errors.append(str(message["params"]["exceptionDetails"]))
        elif event == "Page.loadEventFired":
            self._loaded = True
        return message

    def ask(self, expression: str) -> Any:
        """The value of a JavaScript expression on the page."""
        result = self._call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def click(self, selector: str) -> None:
        """Press and release the mouse in the middle of an element, wherever it was scrolled."""
        box = self.ask(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            "e.scrollIntoView({block: 'center', inline: 'center'});"
            "const b = e.getBoundingClientRect();"
            "return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self._call(
                "Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left",
                clickCount=1,
            )  # fmt: skip

    def press(self, key: str) -> None:
        """One key."""
        for kind in ("keyDown", "keyUp"):
            self._call("Input.dispatchKeyEvent", type=kind, key=key)
