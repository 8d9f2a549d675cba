"""The call tree: who asked whom for what, and what came of it."""

from __future__ import annotations

from typing import Any

import pytest

from demi.render.calls import call_rows, calls
from demi.trace import Entry, Footer, Header, Trace
from demi.verdict import Detail, Verdict, Violation


def entry(event: str, call: Any) -> Entry:
    return Entry(event, msg={"call": call, "body": {"call": "x/1"}})


ENTRIES = (
    entry("web>shop:POST /buy#1", "web/1"),
    entry("shop>pay:POST /charge#1", "web/1/2"),
    entry("shop>stock:GET /left#1", "web/1/1"),
    entry("web>shop:POST /buy#2", "web/10"),
    entry("web>shop:POST /buy#3", "web/2"),
    Entry("shop>stock:closed#1"),
    entry("stock>shop:200 GET /left#1", "web/1/1"),
    entry("shop>pay:POST /charge#2", "web/1/2"),
    entry("pay>shop:504 POST /charge#1", "web/1/2"),
    entry("pay>shop:200 POST /charge#1", "web/1/2"),
    entry("shop>web:503 POST /buy#1", "web/2"),
    Entry("ext:buy(web)#1", msg={"call": "web/9"}),
)


def trace(entries: tuple[Entry, ...], step: int | None = None) -> Trace:
    header = Header("shop", {}, ("web", "shop", "stock", "pay"))
    found = None if step is None else Violation("Sold", Detail(("pay",), "twice"), step)
    verdict = Verdict.NOT_FOUND if found is None else Verdict.VIOLATED
    return Trace(header, entries, Footer(verdict, violation=found))


def test_the_tree_is_sorted_by_numbers_and_tells_every_delivery() -> None:
    assert [row.text for row in call_rows(trace(ENTRIES), 80)] == [
        "asked  answered  call",
        "    1         -  POST /buy  web → shop  no answer",
        "    3         7    GET /left  shop → stock  200",
        "  2,8      9,10    POST /charge  shop → pay  504 200",
        "    5        11  POST /buy  web → shop  503",
        "    4         -  POST /buy  web → shop  no answer",
    ]


def test_the_call_that_violates_says_so_and_ascii_is_ascii() -> None:
    rows = call_rows(trace(ENTRIES, step=3), 44, ascii=True)
    assert rows[-1].text == "    4         -  POST /b~  web -> shop  VIOL"
    assert rows[-1].step == 4
    assert all(row.text.isascii() and len(row.text) <= 44 for row in rows)


def test_an_answer_without_its_request_is_a_call() -> None:
    (one,) = calls(trace((entry("shop>web:503 POST /buy#1", "web/1"),)))
    assert (one.caller, one.callee, one.label) == ("web", "shop", "POST /buy")
    assert (one.asked, one.answers) == ([], [(1, "503")])


@pytest.mark.parametrize(
    "call", ["", "web", "web/x", "/1", "web/1/", "web/1\n", 7, None, "a/" + "9" * 99]
)
def test_what_is_no_call_id_is_left_out(call: Any) -> None:
    assert call_rows(trace((entry("web>shop:POST /buy#1", call),)), 80) == []
