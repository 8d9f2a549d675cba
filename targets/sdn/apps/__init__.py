"""Applications for os-ken, each one file, written as its users write them; they know nothing of demi.

The one insight: a bug is a value of the option `--variant`, so the same application without it shows that
the invariants hold.
"""
