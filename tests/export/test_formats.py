"""Every format, one suite: the same, harmless, complete; then what each format's own reader demands."""

from __future__ import annotations

import inspect
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import networkx
import pytest
from render.lane_samples import NASTY, hostile, ring, tour

from demi.causality import Causality, members
from demi.errors import UsageError
from demi.export import FORMATS, Source, find_format, steps
from demi.export.mermaid import EVENTS_MAX
from demi.trace import Trace
from demi.trace_codec import load

ROOT = Path(__file__).parent.parent.parent
every_format = pytest.mark.parametrize("name", FORMATS)


def enemy() -> Trace:
    """The hostile sample as a file could bring it: without numbers that no reader takes."""
    trace = hostile()
    config = {key: value for key, value in trace.header.config.items() if key != "huge"}
    config["tag"] = "</script><img src=x onerror=alert(1)>\"'`&--> ]]> ; #59; end"
    return replace(trace, header=replace(trace.header, config=config))


def raft() -> Trace:
    return load(ROOT / "traces/raft/raft-45.min.jsonl")


# ---- all formats


@every_format
@pytest.mark.parametrize("make", [tour, enemy, raft, lambda: ring(3), lambda: ring(40)])
def test_writes_the_same_text_twice_and_ends_its_last_line(name: str, make: Any) -> None:
    text = FORMATS[name].write(Source(make(), "a.jsonl"))
    assert text == FORMATS[name].write(Source(make(), "a.jsonl"))
    assert text.endswith("\n")


@every_format
def test_no_control_character_of_the_system_gets_through(name: str) -> None:
    text = FORMATS[name].write(Source(enemy(), f"{NASTY}.jsonl"))
    bad = [c for c in text if c != "\n" and not c.isprintable()]
    assert bad == []
    text.encode("utf-8")  # no lone surrogate either


@every_format
def test_names_the_violation(name: str) -> None:
    known = "guilty" if name == "svg" else "ElectionSafety"  # the picture marks the nodes
    assert known in FORMATS[name].write(Source(raft()))


@every_format
def test_a_run_without_events_is_no_error(name: str) -> None:
    trace = raft()
    assert FORMATS[name].write(Source(replace(trace, entries=(), footer=None)))


def test_the_nearest_format_is_named() -> None:
    with pytest.raises(UsageError) as caught:
        find_format("shivis")
    assert "did you mean 'shiviz'?" in caught.value.remedy


def test_the_formats_of_the_help_are_those_of_the_registry() -> None:
    from demi.cli.export import export

    told = re.findall(r"^(\w+)  +\w", inspect.cleandoc(export.__doc__ or ""), re.M)
    assert told == list(FORMATS)


# ---- ShiViz


def shiviz_executions(text: str) -> dict[str, list[tuple[str, str, dict[str, int]]]]:
    """What ShiViz makes of a log file: the first two lines are its regular expressions."""
    parser, delimiter, rest = text.split("\n", 2)
    python = {"(?<": "(?P<"}
    assert parser == r"(?<event>.*)\n(?<host>\S*) (?<clock>{.*})", "ShiViz's default"
    event = re.compile(parser.replace("(?<", python["(?<"]), re.M)
    if not delimiter:
        return {"": [(m["event"], m["host"], json.loads(m["clock"])) for m in event.finditer(rest)]}
    pieces = re.compile(delimiter.replace("(?<", python["(?<"]), re.M).split(rest)
    assert pieces[0] == ""
    return {
        label: [(m["event"], m["host"], json.loads(m["clock"])) for m in event.finditer(body)]
        for label, body in zip(pieces[1::2], pieces[2::2], strict=True)
    }


def check_clocks(events: list[tuple[str, str, dict[str, int]]]) -> None:
    """ShiViz's demands: each host counts its own events from 1 without a gap, and knows none ahead."""
    counts: dict[str, int] = {}
    for _, host, clock in events:
        counts[host] = counts.get(host, 0) + 1
        assert clock[host] == counts[host]
        assert all(1 <= count <= counts.get(other, 0) for other, count in clock.items())


@pytest.mark.parametrize("make", [tour, enemy, raft, lambda: ring(5)])
def test_shiviz_reads_each_event_with_its_clock(make: Any) -> None:
    trace = make()
    events = shiviz_executions(FORMATS["shiviz"].write(Source(trace)))[""]
    assert len(events) == len(trace)
    check_clocks(events)


def test_shiviz_gets_original_and_minimized_in_one_log() -> None:
    small, big = raft(), load(ROOT / "traces/raft/raft-45.jsonl.gz")
    found = shiviz_executions(FORMATS["shiviz"].write(Source(small, original=big)))
    assert {label: len(events) for label, events in found.items()} == {
        "original": len(big),
        "minimized": len(small),
    }
    for events in found.values():
        check_clocks(events)


# ---- Mermaid


def test_mermaid_draws_messages_losses_and_the_violation() -> None:
    text = FORMATS["mermaid"].write(Source(raft()))
    assert len(re.findall(r"^ +p\d->>p\d: ", text, re.M)) == 14
    assert "    rect rgb(255, 214, 214)\n        p2->>p1: 22. VoteCandidate#35;2" in text
    assert "Note over p0,p1: VIOLATED ElectionSafety" in text
    assert "p0--xp1: 9. Append" in FORMATS["mermaid"].write(Source(tour()))


def test_mermaid_stops_at_what_renderers_bear_and_says_so() -> None:
    trace = load(ROOT / "traces/raft/raft-45.jsonl.gz")
    rows = FORMATS["mermaid"].write(Source(trace)).splitlines()
    assert f"{len(trace) - EVENTS_MAX} earlier events are left out" in "\n".join(rows)
    assert sum(1 for row in rows if re.search(r": \d+\. ", row)) == EVENTS_MAX


def test_mermaid_statements_are_ours_alone() -> None:
    for row in FORMATS["mermaid"].write(Source(enemy())).splitlines()[2:]:
        assert re.fullmatch(
            r" {4,8}(participant p\d+ as .+|Note over p\d+(,p\d+)?: .+|p\d+(->>|--x)p\d+: .+"
            r"|rect rgb\([\d, ]+\)|end)",
            row,
        )
        assert not re.search(r"[;<>\"`](?<!#\d\d;)(?<!#\d\d\d;)", re.sub(r"#\d+;|->>|→", "", row))


# ---- HTML


class Tags(HTMLParser):
    """The tags, attributes and scripts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.scripts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.update(name for name, _ in attrs)
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] == "script":
            self.scripts.append(data)


@pytest.mark.parametrize("make", [tour, enemy, raft])
def test_the_page_holds_no_tag_but_ours_and_loads_nothing(make: Any) -> None:
    page = FORMATS["html"].write(Source(make()))
    seen = Tags(page)
    assert seen.links == []
    assert seen.tags.count("script") == 2
    assert "img" not in seen.tags
    assert not [name for name in seen.attributes if name.startswith("on")]
    assert "default-src 'none'" in page
    assert not re.search(r"https?://|@import|url\(", page)
    assert json.loads(seen.scripts[0])["steps"][0]["n"] == 1


def test_the_page_knows_the_causes_that_happens_before_knows() -> None:
    trace = raft()
    data = json.loads(Tags(FORMATS["html"].write(Source(trace))).scripts[0])
    causes = {step["n"]: step["causes"] for step in data["steps"]}
    order = Causality(trace)
    for number in causes:
        past, open_ = set(), [number]
        while open_:
            new = set(causes[open_.pop()]) - past
            past |= new
            open_ += new
        assert sorted(past) == [at + 1 for at in members(order.past(number - 1))]


# ---- SVG


@pytest.mark.parametrize("make", [tour, enemy, raft, lambda: ring(6)])
def test_the_picture_is_well_formed_and_has_a_mark_per_step(make: Any) -> None:
    trace = make()
    root = ElementTree.fromstring(FORMATS["svg"].write(Source(trace)))
    events = [e for e in root.iter() if (e.get("class") or "").startswith("event")]
    assert [e.get("data-step") for e in events] == [str(at + 1) for at in range(len(trace))]
    assert {e.tag.split("}")[1] for e in root.iter()} == {
        "svg", "style", "line", "text", "g", "title", "circle", "path", "polygon",
    } - (set() if make in (tour, enemy, raft) else {"polygon"})  # fmt: skip


# ---- Perfetto


@pytest.mark.parametrize("make", [tour, enemy, raft])
def test_perfetto_gets_slices_that_do_not_overlap_and_flows_bound_to_them(make: Any) -> None:
    trace = make()
    data = json.loads(FORMATS["chrome"].write(Source(trace)))
    events = data["traceEvents"]
    slices = {(e["tid"], e["ts"]): e for e in events if e["ph"] == "X"}
    assert len(slices) == len(trace)
    assert all(e["dur"] < 1000 and e["ts"] % 1000 == 0 for e in slices.values())
    assert "logical time" in events[0]["args"]["name"]
    flows = [e for e in events if e["ph"] in "sf"]
    starts = {e["id"]: e for e in flows if e["ph"] == "s"}
    assert len(flows) == 2 * len(starts)
    for flow in flows:
        assert (flow["tid"], flow["ts"]) in slices
        assert starts[flow["id"]]["ts"] <= flow["ts"]
    assert {e["ph"] for e in events} <= {"M", "X", "s", "f"}


# ---- OpenTelemetry

OTLP = {  # opentelemetry/proto/trace/v1, resource/v1 and common/v1: the fields and their JSON forms
    "TracesData": {"resourceSpans": ["ResourceSpans"]},
    "ResourceSpans": {"resource": "Resource", "scopeSpans": ["ScopeSpans"], "schemaUrl": str},
    "Resource": {"attributes": ["KeyValue"], "droppedAttributesCount": int},
    "ScopeSpans": {"scope": "Scope", "spans": ["Span"], "schemaUrl": str},
    "Scope": {"name": str, "version": str, "attributes": ["KeyValue"]},
    "Span": {
        "traceId": re.compile("[0-9a-f]{32}"), "spanId": re.compile("[0-9a-f]{16}"),
        "parentSpanId": re.compile("[0-9a-f]{16}"), "traceState": str, "flags": int, "name": str,
        "kind": int, "startTimeUnixNano": re.compile(r"\d+"), "endTimeUnixNano": re.compile(r"\d+"),
        "attributes": ["KeyValue"], "events": ["Event"], "links": ["Link"], "status": "Status",
    },
    "Event": {"timeUnixNano": re.compile(r"\d+"), "name": str, "attributes": ["KeyValue"]},
    "Link": {
        "traceId": re.compile("[0-9a-f]{32}"), "spanId": re.compile("[0-9a-f]{16}"),
        "traceState": str, "attributes": ["KeyValue"],
    },
    "Status": {"message": str, "code": int},
    "KeyValue": {"key": str, "value": "AnyValue"},
    "AnyValue": {"stringValue": str, "boolValue": bool, "intValue": re.compile(r"-?\d+")},
}  # fmt: skip


def check_schema(value: Any, shape: Any) -> None:
    if isinstance(shape, list):
        assert isinstance(value, list)
        for item in value:
            check_schema(item, shape[0])
    elif isinstance(shape, str):
        assert set(value) <= set(OTLP[shape]), f"{shape} has no such field"
        for key, inner in value.items():
            check_schema(inner, OTLP[shape][key])
    elif isinstance(shape, re.Pattern):
        assert shape.fullmatch(value)
    else:
        assert type(value) is shape


@pytest.mark.parametrize("make", [tour, enemy, raft])
def test_otlp_keeps_the_schema_and_links_each_step_to_its_causes(make: Any) -> None:
    trace = make()
    text = FORMATS["otlp"].write(Source(trace))
    assert text.count("\n") == 1
    data = json.loads(text)
    check_schema(data, "TracesData")
    spans = [s for r in data["resourceSpans"] for s in r["scopeSpans"][0]["spans"]]
    number = {span["spanId"]: int(span["attributes"][0]["value"]["intValue"]) for span in spans}
    assert sorted(number.values()) == list(range(1, len(trace) + 1))
    links = {number[s["spanId"]]: {number[k["spanId"]] for k in s["links"]} for s in spans}
    for at, causes in enumerate(Causality(trace).edges):
        assert {cause + 1 for cause in causes} <= links[at + 1]
    assert [number[s["spanId"]] for s in spans if s.get("status")] == [len(trace)]


# ---- Graphviz


@pytest.mark.parametrize("make", [tour, enemy, raft, lambda: ring(6)])
def test_dot_edges_are_the_reduction_of_happens_before(make: Any) -> None:
    trace = make()
    text = FORMATS["dot"].write(Source(trace))
    edges = {(int(a), int(b)) for a, b in re.findall(r"^    e(\d+) -> e(\d+)", text, re.M)}
    order = Causality(trace)
    whole = networkx.DiGraph()
    whole.add_nodes_from(range(1, len(trace) + 1))
    whole.add_edges_from(
        (i + 1, j + 1)
        for i in range(len(trace))
        for j in range(len(trace))
        if order.happens_before(i, j)
    )
    assert edges == set(networkx.transitive_reduction(whole).edges)
    assert text.replace("\\\\", "").replace('\\"', "").count('"') % 2 == 0


# ---- JUnit


@pytest.mark.parametrize(
    ("make", "counts"), [(raft, ("1", "0")), (enemy, ("1", "0")), (lambda: ring(3), ("0", "1"))]
)
def test_junit_is_one_case_that_failed_or_was_skipped(make: Any, counts: tuple[str, str]) -> None:
    suite = ElementTree.fromstring(FORMATS["junit"].write(Source(make(), "a b.jsonl")))[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("1", *counts)
    failure = suite.find("testcase/failure")
    if failure is not None:
        assert "demi replay 'a b.jsonl'" in (failure.text or "")


# ---- the steps


def test_a_step_says_what_happened_and_why_it_is_needed() -> None:
    last = steps(raft())[-1]
    assert last.words == "deliver VoteCandidate#2 from n3"
    assert last.changes == ("role candidate→leader",)
    assert last.violates
    assert last.why.startswith("without n3>n2:VoteCandidate#2: no violation")
