"""The pytest plugin: hunts as tests, schedules driven by hand, recorded traces as regression tests.

The one insight: every pytest run of every project that has demi installed pays for this module, so it
imports nothing but pytest; the work is in `demi/testing.py`, imported when a test asks.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from demi.target import Target
    from demi.testing import Failed, HandDriven, Options

SECTION = "demi"  # the head of what a failure shows below its words
MARK = "demi_traces"
_FAILED = pytest.StashKey[str]()
_TRACE = "demi_trace"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options; each wins over what the test says."""
    group = parser.getgroup("demi", "hunting for failing interleavings")
    group.addoption("--demi-seed", metavar="N", help="Seed of the first run, or random.")
    group.addoption("--demi-runs", metavar="N", help="Runs of each hunt.")
    group.addoption("--demi-profile", metavar="NAME", default="", help="[tool.demi.profiles.NAME].")
    group.addoption("--demi-save", metavar="DIR", help="Where found traces go [traces].")


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known."""
    config.addinivalue_line(
        "markers", f"{MARK}(place, target='', expect='passed'): replay each recorded trace"
    )


def test(
    *,
    target: str | Target,
    runs: int | None = None,
    strategy: str | None = None,
    seed: int | None = None,
    depth: int | None = None,
    steps: int | None = None,
    max_time: str | None = None,
    bug: str = "",
    set: dict[str, Any] | None = None,
    expect: str = "",
) -> Callable[[Callable[..., Any]], Callable[..., None]]:
    """`@demi.test(target="raft", runs=200)`: the test hunts, and fails with the minimal sequence.

    The function may return invariants, which then take the place of the target's own.
    """
    named = {"runs": runs, "strategy": strategy, "seed": seed, "depth": depth, "steps": steps}
    given = {k: v for k, v in {**named, "max_time": max_time}.items() if v is not None}

    def decorate(function: Callable[..., Any]) -> Callable[..., None]:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def hunts(*args: Any, demi_hunter: Callable[..., None], **kwargs: Any) -> None:
            from demi.testing import Wish

            invariants = function(*args, **kwargs)
            wish = Wish(target, bug, set or {}, expect, given)
            demi_hunter(wish, invariants, function)

        hunter = inspect.Parameter("demi_hunter", inspect.Parameter.KEYWORD_ONLY)
        vars(hunts)["__signature__"] = signature.replace(
            parameters=[*signature.parameters.values(), hunter]
        )
        return hunts

    return decorate


vars(test)["__test__"] = False  # `from demi import test` in a test file is no test


def _options(config: pytest.Config) -> Options:
    from demi.testing import Options

    given = {
        key: value
        for key, option in (("seed", "seed"), ("runs", "runs"), ("out", "save"))
        if (value := config.getoption(f"--demi-{option}")) is not None
    }
    return Options(config.rootpath, config.getoption("--demi-profile"), given)


def _fail(item: pytest.Item, failed: Failed) -> None:
    item.stash[_FAILED] = failed.picture
    pytest.fail(failed.words, pytrace=False)


@pytest.fixture
def demi_hunter(request: pytest.FixtureRequest) -> Callable[..., None]:
    """What `@demi.test` runs; not for tests to ask for."""

    def hunt(wish: Any, invariants: Any, function: Callable[..., Any]) -> None:
        from demi.errors import DemiError
        from demi.testing import hunt_for, told

        try:
            failed = hunt_for(
                wish, _options(request.config), invariants, _place(wish.target, function, request)
            )
        except DemiError as error:
            pytest.fail(told(error), pytrace=False)
        if failed is not None:
            _fail(request.node, failed)

    return hunt


def _place(target: Any, function: Callable[..., Any], request: pytest.FixtureRequest) -> str:
    """`tests/test_lock.py:TARGET` for a target object that the test's module knows by a name."""
    names = [name for name, value in function.__globals__.items() if value is target]
    path = Path(inspect.getsourcefile(function) or "")
    root = request.config.rootpath
    if not names or not path.is_relative_to(root):
        return ""
    return f"{path.relative_to(root)}:{names[0]}"


@pytest.fixture
def demi_world(request: pytest.FixtureRequest) -> Iterator[Callable[..., HandDriven]]:
    """`world = demi_world("raft")`; then `world.take("n1!election#1", ...)`, `world.enabled`."""
    made: list[HandDriven] = []

    def drive(target: str | Target, *, seed: int = 0, bug: str = "", **settings: Any) -> HandDriven:
        from demi.testing import drive

        made.append(drive(target, _options(request.config), seed, bug, settings))
        return made[-1]

    yield drive
    for world in made:
        world.close()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test per recorded trace of a `demi_traces` mark."""
    mark = metafunc.definition.get_closest_marker(MARK)
    if mark is None:
        return
    from demi.errors import DemiError
    from demi.testing import stem, told, trace_files

    if not mark.args:
        pytest.fail(f"demi: {MARK} wants a folder of traces", pytrace=False)
    try:
        files = [
            file for place in mark.args for file in trace_files(place, metafunc.config.rootpath)
        ]
    except DemiError as error:
        pytest.fail(told(error), pytrace=False)
    if _TRACE not in metafunc.fixturenames:
        metafunc.fixturenames.append(_TRACE)
    metafunc.parametrize(_TRACE, files, ids=[stem(file) for file in files])


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> None:
    """Replay the trace of a test before its own body."""
    mark = pyfuncitem.get_closest_marker(MARK)
    if mark is None:
        return
    from demi.errors import DemiError
    from demi.testing import recorded, told

    path = Path(str(pyfuncitem.callspec.params[_TRACE]))
    target, expect = mark.kwargs.get("target", ""), mark.kwargs.get("expect", "passed")
    try:
        failed = recorded(path, _options(pyfuncitem.config), target, expect)
    except DemiError as error:
        pytest.fail(told(error), pytrace=False)
    if failed is not None:
        _fail(pyfuncitem, failed)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Put the picture below the words of a failure."""
    report: Any = yield
    picture = item.stash.get(_FAILED, "")
    if picture and report.failed:
        report.sections.append((SECTION, picture))
    return report
