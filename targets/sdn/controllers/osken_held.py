"""Runs os-ken applications in process: what to run is in the environment.

The one insight: what a process does before it runs anything is the same each time, so importing,
reading options and finding applications in their modules is done once, and every run begins with its
outcome.  Not here: a child process.
"""

from __future__ import annotations

import json
import os

from targets.sdn.controllers.osken_main import load, run

load(json.loads(os.environ["DEMI_OSKEN_APPS"]), json.loads(os.environ["DEMI_OSKEN_OPTIONS"]))


def main() -> None:
    """The first thread."""
    run()
