"""A case over a real child process on loopback: found, shrunk by majorities, its rate stated."""

from __future__ import annotations

import psutil
import pytest

from demi.fuzz.hunt import Plan, one_run, record_run
from demi.minimizer.budget import Budget
from demi.minimizer.repeat import minimize_repeated
from demi.scheduler.execute import Subject
from demi.target import configure
from targets.sdn import TARGET

pytest.importorskip("os_ken", reason="os-ken is an extra")


def subject(count: int) -> tuple[Subject, Plan]:
    config = configure(TARGET, "R1", {"controller": "black-box", "count": str(count)})
    held = Subject(TARGET, config)
    return held, Plan(TARGET.profile(config), "random", seed=1, steps=6000, wanted="BlackHole")


def test_a_world_around_a_child_says_so_and_leaves_nothing() -> None:
    held, plan = subject(2)
    can = held.world.capabilities
    assert (can.how, can.exact, can.tier) == ("black box", False, "T2")
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    one_run(held, plan, 0)
    running = {process.pid for process in psutil.Process().children(recursive=True)}
    assert len(running - before) == 2  # the controller and its keeper
    held.world.close()
    assert {process.pid for process in psutil.Process().children(recursive=True)} == before


@pytest.mark.slow
def test_r1_shrinks_to_three_inputs_over_loopback() -> None:
    held, plan = subject(60)
    number = next(n for n in range(10) if one_run(held, plan, n).violation is not None)
    trace = record_run(held, plan, number)
    report, rate = minimize_repeated(held, trace, 3, budget=Budget(0, 300))
    assert (trace.externals, report.trace.externals) == (60, 3)
    assert report.trace.header.config["topology"] != "line:3"  # the network is smaller too
    assert rate.tries == 20
    assert rate.interval[0] > 0.5
    held.world.close()
