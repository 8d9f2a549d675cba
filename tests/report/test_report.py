"""Reports: complete, harmless, and the same in both forms."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from render.lane_samples import hostile, ring, tour

from demi.errors import UsageError
from demi.export import FORMATS
from demi.report import FORMS, Source, report
from demi.trace import Trace
from demi.trace_codec import load

ROOT = Path(__file__).parent.parent.parent
every_form = pytest.mark.parametrize("form", FORMS)


def raft() -> Trace:
    return load(ROOT / "traces/raft/raft-45.min.jsonl")


def enemy() -> Trace:
    trace = hostile()
    config = {"tag": "```\n</pre><script>alert(1)</script> | `x` @here [a](http://b) <img src=x>"}
    return replace(trace, header=replace(trace.header, config=config))


def test_the_way_of_each_leader_of_raft_45() -> None:
    text = report([Source(raft(), "raft-45.min.jsonl")], "md")
    assert text.startswith(
        "# `raft`: `ElectionSafety`\n\n`n1 and n2 are both leader of term 2`, at"
    )
    ways = text.split("## How it came to it")[1].split("## The steps")[0]
    first, second = ways.split("### `n2`")
    votes = r"deliver VoteCandidate#\d from (n\d)"
    assert re.findall(votes, first) == ["n4", "n4"]  # one voter is counted twice, on both sides
    assert re.findall(votes, second) == ["n3", "n3"]
    assert re.search(
        r"step 20: `deliver VoteCandidate#2 from n4`, sent in step \d+ \(`deliver Req", first
    )
    assert "Step 20 of `n1` and step 22 of `n2` are concurrent" in second
    assert "- `without n3>n2:VoteCandidate#2: no violation; n2 ends with role" in text
    assert text.endswith(
        "```console\n$ demi view raft-45.min.jsonl\n$ demi replay raft-45.min.jsonl\n"
        "$ demi export raft-45.min.jsonl --to html -o trace.html\n```\n"
    )


def explained(races: object) -> Trace:
    trace = raft()
    assert trace.footer is not None
    extra = {**trace.footer.extra, "explanation": {"races": races}}
    return replace(trace, footer=replace(trace.footer, extra=extra))


@every_form
def test_the_races_that_matter_are_told(form: str) -> None:
    race = {"node": "n4", "first": "a>b:X#1", "second": "c>b:Y#1", "result": "no violation"}
    text = report([Source(explained([race, {**race, "second": "<b>", "absent": 3}]))], form)
    told = text.split("What would have avoided it")[1].split("The steps")[0]
    assert re.search(r"c(>|&gt;)b:Y#1.+ before .+a(>|&gt;)b:X#1.+ at .+n4.+: .+no violation", told)
    assert "3 of the events cannot happen then" in told
    page = FORMATS["html"].write(Source(explained([race])))
    assert "<code>c&gt;b:Y#1</code> before <code>a&gt;b:X#1</code> at n4: no violation" in page


@pytest.mark.parametrize("races", [None, 1, [1], [{}], [{"node": 1}], {"a": 1}, "text"])
def test_an_explanation_of_another_shape_is_left_out(races: object) -> None:
    assert "What would have avoided it" not in report([Source(explained(races))], "md")


@every_form
@pytest.mark.parametrize("make", [tour, raft, lambda: ring(4), enemy])
def test_each_step_is_there_once_in_the_table(form: str, make: type[Trace]) -> None:
    trace = make()
    text = report([Source(trace)], form)
    table = text.split("The steps")[1].split("See it yourself")[0].split("Why each event")[0]
    rows = re.findall(r"^\| \d+|^<tr><td>\d+", table, re.M)
    assert len(rows) == len(trace)
    assert text == report([Source(make())], form)


@every_form
def test_several_traces_begin_with_an_overview(form: str) -> None:
    text = report([Source(raft(), "a.jsonl"), Source(ring(3), "b.jsonl")], form, "my.py:T")
    assert "2 traces" in text
    assert text.index("b.jsonl") < text.index("In one screen")
    assert "interrupted" in text
    assert "demi replay a.jsonl --target my.py:T" in text


def test_markdown_shows_text_of_an_enemy_as_code() -> None:
    text = report([Source(enemy(), "`a`.jsonl")], "md")
    fence = "````"
    assert f"\n{fence}text\n" in text
    bare = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", re.sub(r"(?ms)^(`{3,})\w+\n.*?^\1$", "", text))
    for mark in ("<", "[a]", "@", "`"):
        assert mark not in bare
    for row in re.findall(r"^\|.*\|$", text, re.M):
        assert len(re.findall(r"(?<!\\)\|", row)) == 5


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)


def test_html_holds_no_tag_but_ours() -> None:
    page = report([Source(enemy())], "html")
    assert Tags(page).seen == {
        "html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "p", "pre", "code",
        "table", "tr", "th", "td", "ul", "li",
    }  # fmt: skip
    assert "default-src 'none'" in page
    assert [c for c in page if c != "\n" and not c.isprintable()] == []


def test_an_unknown_form_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        report([Source(raft())], "htm")
    assert "did you mean 'html'" in caught.value.remedy
