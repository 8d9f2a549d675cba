"""The named bugs: worked cases, after the table of STS (SIGCOMM'14) and what was found in os-ken.

The one insight: a case is only settings (application, variant, topology, inputs), so anybody's own case is
made the same way on the command line.
"""

from __future__ import annotations

from collections.abc import Mapping

from demi.target import Bug

_CASES = (
    Bug(
        "R1",
        "migration black hole: entries still point to where a host was",
        {"variant": "forgetful", "inputs": "send:6 migrate:1"},
        "BlackHole",
    ),
    Bug(
        "R2",
        "link failure black hole: entries still point to a link that was cut",
        {"variant": "forgetful", "inputs": "send:6 sever:1"},
        "BlackHole",
    ),
)
BUGS: Mapping[str, Bug] = {bug.name: bug for bug in _CASES}
