"""Tests of the lock server, as the pytest plugin runs them: `pytest examples/test_lock.py`."""

import pytest

import demi
from demi.oracle import Detail, StateInvariant


@demi.test(target="examples/lock.py", runs=50, set={"timers": "ordered"})
def test_the_lock_has_one_holder():
    """Fifty runs; in virtual time the work is done long before the lease runs out."""


@demi.test(target="examples/lock.py", runs=20)
def test_another_property():
    def known(view):
        holder = view.state(0)["holder"]
        return None if holder in ("", "a", "b") else Detail(("server",), f"{holder} is nobody")

    return [StateInvariant("KnownHolder", "the holder is a client", known)]


def test_the_slow_client(demi_world):
    world = demi_world("examples/lock.py")
    world.take("ext:work(a)#1", "a>server:acquire#1", "server>a:granted#1")
    assert world.enabled == ("server!lease#1", "a!done#1")
    assert world.state("a") == {"holds": True}
    assert world.violation is None


@pytest.mark.demi_traces("traces/lock", target="examples/lock.py", expect="violated")
def test_the_bug_is_still_understood():
    """Each recorded trace still reproduces its violation."""
