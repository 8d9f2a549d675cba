"""The happens-before graph for Graphviz, reduced: an edge that others imply is left out.

The one insight: a picture of causality is only readable as its Hasse diagram, and the reduction is
unique because happens-before is acyclic (Aho, Garey, Ullman 1972); networkx computes it.
"""

from __future__ import annotations

from itertools import groupby

from demi.causality import Causality
from demi.events import Kind
from demi.export.steps import Source, lanes, steps, title, violated

_SHAPES = {Kind.DELIVER: "box", Kind.TIMER: "ellipse", Kind.INJECT: "cds"}


def write(source: Source) -> str:
    """A digraph: a cluster per node, solid edges inside one, dashed ones between two."""
    import networkx  # slow to import; only this format needs it

    trace = source.trace
    order = Causality(trace)
    shown = steps(trace, order)
    graph = networkx.DiGraph()
    graph.add_nodes_from(range(len(shown)))
    graph.add_edges_from((cause, at) for at in range(len(shown)) for cause in order.edges[at])
    edges = sorted(networkx.transitive_reduction(graph).edges)
    head = f"{title(source)}\n{violated(trace)}".strip()
    rows = [
        "digraph happens_before {",
        f"    graph [rankdir=TB, label={_quoted(head)}]",
        '    node [shape=octagon, fontname="monospace", fontsize=10]',
    ]
    place = {name: at for at, name in enumerate(lanes(trace))}
    for node, group in groupby(sorted(shown, key=lambda s: place[s.node]), lambda s: s.node):
        rows += [f"    subgraph cluster_{place[node]} {{", f"        label={_quoted(node)}"]
        for step in group:
            shape = f", shape={_SHAPES[step.kind]}" if step.kind in _SHAPES else ""
            bad = ", color=red, penwidth=3" if step.violates else ""
            text = "\n".join([f"{step.number}. {step.words}", *step.changes])
            rows.append(f"        e{step.number} [label={_quoted(text)}{shape}{bad}]")
        rows.append("    }")
    for cause, at in edges:
        between = "" if shown[cause].node == shown[at].node else " [style=dashed]"
        rows.append(f"    e{cause + 1} -> e{at + 1}{between}")
    return "\n".join([*rows, "}"]) + "\n"


def _quoted(text: str) -> str:
    plain = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{plain}"'
