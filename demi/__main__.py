"""`python -m demi`: the `demi` command without its script."""

from __future__ import annotations

from demi.cli.main import run

if __name__ == "__main__":
    run()
