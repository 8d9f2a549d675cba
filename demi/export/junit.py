"""A test result in JUnit's XML, which CI services show: one trace, one test case.

The one insight: a violation is a failed test whose message is the fingerprint and whose text is the
picture, so a CI page shows the minimal sequence without a download.
"""

from __future__ import annotations

import shlex
from html import escape  # that of xml.sax imports half of the network library

from demi.export.steps import Source, violated
from demi.export.text import write as picture
from demi.render.text import safe


def write(source: Source) -> str:
    """One suite with one case: failed, passed, or skipped when the run has no verdict."""
    trace = source.trace
    body = ""
    failed = skipped = 0
    if trace.violation is not None:
        failed = 1
        again = f"demi replay {shlex.quote(safe(source.name))}"
        body = (
            f"    <failure type={_quoted(safe(trace.violation.fingerprint))} "
            f"message={_quoted(violated(trace))}>"
            f"{escape(picture(source) + chr(10) + again)}</failure>\n"
        )
    elif trace.footer is None:
        skipped = 1
        body = '    <skipped message="the run was interrupted, there is no verdict"/>\n'
    suite = _quoted(f"demi {safe(trace.header.target)}")
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<testsuites>\n<testsuite name={suite} tests="1" failures="{failed}" errors="0" '
        f'skipped="{skipped}">\n'
        f"  <testcase classname={suite} name={_quoted(safe(source.name))}>\n"
        f"{body}  </testcase>\n</testsuite>\n</testsuites>\n"
    )


def _quoted(text: str) -> str:
    return f'"{escape(text)}"'
