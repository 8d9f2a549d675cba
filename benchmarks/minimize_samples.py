"""W0 and W1, two workloads on which other minimizers were measured: executions, seconds, races named.

    python benchmarks/minimize_samples.py [--seeds 20]

W0 fails in the plain order among much noise; W1 fails only where one client overtakes another
(`targets/samples/bank.py`).  The runs are found by PCT.  Executions are all that the minimization makes, the
certificate and its races included.
"""

from __future__ import annotations

import argparse
import statistics
import time

from minimize_table import markdown

from demi.fuzz.hunt import Plan, hunt, matches, record_run
from demi.minimizer.minimize import minimize
from demi.minimizer.races import EXPLANATION
from demi.scheduler.execute import Subject
from demi.target import Target, configure
from demi.trace import Trace
from targets.samples.bank import W0, W1

RUNS_MAX = 300
SEED_STRIDE = 1000
COLUMNS = ("runs to find", "from", "left", "executions", "to the result", "races", "seconds")


def measured(target: Target, seed: int) -> tuple[float, ...] | None:
    """One value for each of `COLUMNS`; None when no run fails."""
    config = configure(target)
    profile, subject = target.profile(config), Subject(target, config)
    plan = Plan(profile, "pct", seed=seed * SEED_STRIDE, steps=profile.steps)
    for number, outcome in hunt(subject, plan, iter(range(RUNS_MAX))):
        if matches(plan, outcome):
            trace = record_run(subject, plan, number)
            started = time.process_time()
            report = minimize(subject, trace)
            spent = time.process_time() - started
            small = report.trace
            return (
                number + 1, len(trace), len(small), report.replays, report.reached, races(small), spent,
            )  # fmt: skip
    return None


def races(trace: Trace) -> int:
    """How many reversed races the explanation names."""
    return len(trace.footer.extra[EXPLANATION]["races"]) if trace.footer is not None else 0


def main() -> None:
    """Print the table: median (worst)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    count = parser.parse_args().seeds
    lines = []
    for target in (W0, W1):
        found = [one for one in (measured(target, seed) for seed in range(count)) if one]
        cells = [
            f"{statistics.median(values):,.{digits}f} ({max(values):,.{digits}f})"
            for values, digits in zip(zip(*found, strict=True), (0,) * 6 + (2,), strict=True)
        ]
        lines.append([target.name, f"{len(found)} of {count}", *cells])
        print(target.name, *lines[-1][1:], flush=True)
    print("\n" + markdown(["", "found", *COLUMNS], lines))


if __name__ == "__main__":
    main()
