"""The hash seed of a process: what a target's program depends on is pinned, by becoming another process.

The one insight: `PYTHONHASHSEED` is read when Python starts, so the only way to pin it is to start again
with the same words; the process id, the terminal and standard input stay.

Only targets that say so are pinned (`Target.hash_seed`); all others give the same bytes under any seed,
and `demi check` tests it.  Not here: recording it (`Header.hash_seed`).
"""

from __future__ import annotations

import os
import sys

from demi.errors import UsageError

VARIABLE = "PYTHONHASHSEED"
SEED_MAX = 4294967295  # Python's own limit


def pin(seed: str) -> None:
    """Go on under this hash seed; "" asks for none.  Raises UsageError for what cannot be one."""
    if not seed or os.environ.get(VARIABLE) == seed:
        return
    if not (seed.isascii() and seed.isdigit() and int(seed[:18]) <= SEED_MAX):
        raise UsageError(
            f"{seed[:20]!r} is no hash seed", remedy=f"a number from 0 to {SEED_MAX}, as text"
        )
    if sys.flags.ignore_environment:
        require(seed)
    os.environ[VARIABLE] = seed
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def require(seed: str) -> None:
    """Where the process is not ours to start again.  Raises UsageError when it has another hash seed."""
    here = "none" if sys.flags.ignore_environment else os.environ.get(VARIABLE, "none")
    if seed and here != seed:
        raise UsageError(
            f"the target depends on hashes and is pinned to hash seed {seed}; this process has {here}",
            remedy=f"start it with {VARIABLE}={seed} in its environment",
        )
