"""Traces for other tools: one file per format, one line each in the registry.

The one insight: every format is a pure function from a trace to text over one shared list of steps
(`steps.py`), so what a message is called and what it changed reads the same everywhere.

Not here: files and the command line (`demi/cli/export.py`), the ticket (`demi/report.py`).
"""

from demi.export.registry import FORMATS, Format, find_format
from demi.export.steps import Source, Step, steps

__all__ = ["FORMATS", "Format", "Source", "Step", "find_format", "steps"]
