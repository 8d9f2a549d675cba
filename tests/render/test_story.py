"""What a violation speaks of: fields by value, by name, and parts of a node by their whole name."""

from __future__ import annotations

from demi.render.changes import Seen
from demi.render.story import guilty
from demi.verdict import Detail, Violation

PORTS = {"port 1": "down", "port 3": "down", "role": "leader", "term": 2}
CHANGED = {"port 1": 5, "port 3": 7, "role": 1, "term": 1}


def told(text: str, since: dict[str, int] | None = None) -> list[str]:
    found = Violation("X", Detail(("s2",), text), 9)
    return guilty(found, Seen(PORTS, CHANGED if since is None else since))


def test_a_part_is_told_by_its_whole_name_and_value() -> None:
    assert told("its entry names port 3, where nothing is") == ["port 3 down"]
    assert told("its entry names port 31, where nothing is") == []


def test_the_value_of_a_part_alone_says_nothing() -> None:
    assert told("a link is down") == []


def test_a_part_that_never_changed_is_not_told() -> None:
    assert told("its entry names port 3, where nothing is", {"port 1": 5}) == []


def test_plain_fields_are_told_as_ever() -> None:
    assert told("s2 is leader of term 2") == ["leader", "term 2"]
