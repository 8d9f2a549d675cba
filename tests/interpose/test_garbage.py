"""The collector of garbage rests while worlds run and is as it was when the last is closed."""

from __future__ import annotations

import gc
import weakref

from demi.interpose import garbage


class Ring:
    """Garbage that only a collector finds."""

    def __init__(self) -> None:
        self.me = self


def test_worlds_nest() -> None:
    before = gc.isenabled()
    garbage.open_for_runs()
    garbage.open_for_runs()
    garbage.close_for_runs()
    assert not gc.isenabled()
    garbage.close_for_runs()
    assert gc.isenabled() == before


def test_what_runs_left_is_collected_between_them() -> None:
    garbage.open_for_runs()
    try:
        gc.collect()
        assert not garbage.enough()
        rings = [Ring() for _ in range(garbage.YOUNG_MAX + 1)]
        last = weakref.ref(rings[-1])
        rings.clear()
        assert garbage.enough() and last() is not None
        garbage.sweep()
        assert last() is None and not garbage.enough()
    finally:
        garbage.close_for_runs()
    assert not gc.get_freeze_count()
