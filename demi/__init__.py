"""demi: hold a distributed system, search its interleavings, hand back the minimal causal sequence."""

__version__ = "0.1.0"
