"""From a failing run of thousands of events to its minimal causal sequence."""
