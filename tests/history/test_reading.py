"""The three forms give the same events; what is malformed is named with its line."""

from __future__ import annotations

import pytest

from demi.errors import TraceError, UsageError
from demi.history.edn import DEPTH_MAX, read_forms
from demi.history.operation import pair
from demi.history.reading import read_history

TEXT = """
INFO  jepsen.util - 0	:invoke	:write	3
INFO  jepsen.core - Run complete
INFO  jepsen.util - 1	:invoke	:cas	[3 4]
INFO  jepsen.util - 0	:ok	:write	3
INFO  jepsen.util - :nemesis	:info	:start	nil
INFO  jepsen.util - 1	:info	:cas	:timed-out
2 :invoke :read nil
2 :ok :read 4
"""
EDN = """; a comment
[{:process 0, :type :invoke, :f :write, :value 3}
 #jepsen.history.Op{:process 1, :type :invoke, :f :cas, :value [3 4]}
 {:process 0, :type :ok, :f :write, :value 3, :time 12N}
 {:process :nemesis, :type :info, :f :start, :value #{"n1" \\a}}
 #_ {:process 9}
 {:process 1, :type :info, :f :cas, :value :timed-out}
 {:process 2 :type :invoke :f :read :value nil} {:process 2 :type :ok :f :read :value 4}]
"""
JSONL = """
{"process": 0, "type": "invoke", "f": "write", "value": 3}
{"process": 1, "type": "invoke", "f": "cas", "value": [3, 4]}
{"process": 0, "type": "ok", "f": "write", "value": 3}
{"process": 1, "type": "info", "f": "cas", "value": "timed-out"}
{"process": 2, "type": "invoke", "f": "read", "value": null}
{"process": 2, "type": "ok", "f": "read", "value": 4}
"""


@pytest.mark.parametrize("text", [TEXT, EDN, JSONL], ids=["text", "edn", "jsonl"])
def test_the_three_forms_say_the_same(text: str) -> None:
    events = read_history(text)
    assert [event[:4] for event in events] == [
        ("0", "invoke", "write", 3), ("1", "invoke", "cas", (3, 4)), ("0", "ok", "write", 3),
        ("1", "info", "cas", "timed-out"), ("2", "invoke", "read", None), ("2", "ok", "read", 4),
    ]  # fmt: skip
    assert [one.text for one in pair(events)] == [
        "0: write(3) -> 3", "1: cas((3, 4)) -> ?", "2: read() -> 4",
    ]  # fmt: skip


def test_with_keyed_the_value_names_the_key() -> None:
    text = (
        "0 :invoke :read [x nil]\n0 :ok :read [x 1]\n1 :invoke :write [y 2]\n1 :info :write nil\n"
    )
    events = read_history(text, keyed=True)
    assert [(event.key, event.value) for event in events] == [
        ("x", None), ("x", 1), ("y", 2), ("y", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("", "", "the history is empty"),
        ('{"process": 1, "type": "invoke"}', "line 1", "no 'f'"),
        ('{"process": 1, "type": "invoke", "f": "r"}\n{"process"', "line 2", "not JSON"),
        ('{"process": 1, "type": "began", "f": "r"}', "line 1", "unknown type 'began'"),
        ("{:process 1 :type :ok :f :read}", "line 1", "which it has not begun"),
        ("{:process 1 :type}", "line 1", "a map with a key and no value"),
        ("{:process 1\n [", "line 2", "'[' is not closed"),
        ("{:process 1 ]", "line 1", "']' closes nothing"),
        ("[1]", "line 1", "an operation is a map"),
        ("0 :invoke :read nil\n0 :invoke :read nil", "line 2", "within its operation of line 1"),
        ("0 :invoke :read nil\n0 :ok :write 1", "line 2", "ends 'write' within 'read' of line 1"),
        ("x - :invoke", "line 1", "an operation without process, type and name"),
        ("[" * (DEPTH_MAX + 1), "line 1", "nested deeper than"),
    ],
)
def test_what_is_malformed_is_named(text: str, where: str, what: str) -> None:
    with pytest.raises(TraceError) as caught:
        read_history(text)
    assert caught.value.where == where
    assert what in caught.value.what
    assert caught.value.remedy


def test_an_unknown_form_is_refused() -> None:
    with pytest.raises(UsageError, match="unknown format 'xml'"):
        read_history("x", "xml")


def test_edn_reads_what_histories_hold() -> None:
    text = r'(1 -2.5e3 7N "a\"b\n" nil true :k/w sym #{1} {:a [1, 2]} #inst "2020") ; end'
    assert read_forms(text) == [
        (1, (1, -2500.0, 7, 'a"b\n', None, True, "k/w", "sym", frozenset({1}), {"a": (1, 2)}, "2020"))
    ]  # fmt: skip
