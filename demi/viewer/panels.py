"""What stands beside the lanes: sections of text about the selected step.

The one insight: each section is a title and rows made from the model alone, so where it stands is decided
elsewhere (`arrange.py`), and a golden test reads it as text.

A section for which the trace has nothing says why in one line, or is left out where it could not apply.
"""

from __future__ import annotations

from collections.abc import Callable

from demi.events import Kind
from demi.minimizer.certify import explanation
from demi.render.changes import UNKNOWN
from demi.render.glyphs import ASCII, UNICODE, Glyphs
from demi.render.story import story
from demi.render.text import brief, safe
from demi.trace import Entry, Trace
from demi.viewer.arrange import Section
from demi.viewer.listing import CHANGED
from demi.viewer.model import Model
from demi.viewer.pairs import MOVED, REVERSED, WORDS

NAMED_MAX = 40  # enabled events that are named; a longer list is a wall
LOGGED_MAX = 30  # lines of a node's log that are looked for, newest first
LOG_STEPS_MAX = 400  # steps of the node that are looked through for them
VALUE_MAX = 60  # characters of a value
TEXT_MAX = 2000


def sections(model: Model) -> list[Section]:
    """All sections that have something to say, the most wanted first."""
    step = model.step
    if not step:
        return [Section("nothing", (("The trace has no step to show.", "dim"),))]
    makers: list[Callable[[Model, Entry], Section | None]] = [
        _step, _state, _enabled, _invariants, _why, _log,
    ]  # fmt: skip
    if step == model.bad_step:
        makers.insert(0, _violation)
    else:
        makers.append(_violation)
    if model.pairs is not None:
        makers.insert(0, _difference)
    entry = model.look(step)
    return [made for make in makers if (made := make(model, entry)) is not None]


def _glyphs(model: Model) -> Glyphs:
    return ASCII if model.plain else UNICODE


# ---- the sections


def _violation(model: Model, entry: Entry) -> Section | None:
    source, plain = model.facts.source, model.plain
    found = source.footer.violation if source.footer else None
    if found is None:
        return None
    lines = [(safe(found.detail.text, plain, TEXT_MAX), "bad")]
    if model.facts.known >= model.bad_step:
        for node in found.detail.nodes:
            if node in source.header.nodes:
                seen = model.facts.seen(node, model.bad_step).copy()
                told = story(found, node, seen, model.facts.look, plain)
                lines += [(line, "") for line in told]
    where = f"step {model.bad_step}" if model.bad_step else "while starting"
    return Section(f"VIOLATED {safe(found.fingerprint, plain)} {where}", tuple(lines))


def _difference(model: Model, entry: Entry) -> Section | None:
    """How the two traces differ here."""
    spot, pairs, plain = model.spot, model.pairs, model.plain
    if spot is None or pairs is None:
        return None
    if spot.folded:
        return Section(
            f"{spot.folded} steps {WORDS[spot.mark]}", ((f"from step {spot.step} on", ""),)
        )
    lines: list[tuple[str, str]] = []
    if spot.mark == CHANGED:
        lines += [(line, "") for line in pairs.differences(spot.on(0), spot.on(1))]
    if spot.mark in (MOVED, REVERSED):
        lines.append((f"step {spot.other} in the {'first' if spot.side else 'second'}", ""))
    for race in pairs.races_of(entry.id):
        first, second = safe(race.first, plain), safe(race.second, plain)
        lines.append((f"at {race.node}: A has {first} first, B has {second} first", "bad"))
    return Section(WORDS[spot.mark], tuple(lines))


def _step(model: Model, entry: Entry) -> Section:
    name, facts, plain, step = entry.name, model.facts, model.plain, model.step
    to = _glyphs(model).to
    lines: list[tuple[str, str]] = []
    cause = facts.cause(step)
    if cause:
        word = "sent" if name.kind == Kind.DELIVER else "armed"
        lines.append((f"{word} in step {cause} by {safe(facts.entry(cause).id, plain)}", ""))
    elif entry.is_external:
        lines.append(("from outside", "input"))
    if entry.msg not in (None, {}, []):
        said = brief(entry.msg, 400, _glyphs(model).more, plain)
        lines.append((f"content {said}", "payload"))
    if entry.fell:
        lines.append(("reached nobody", "lost"))
    if entry.fail is not None:
        words = (safe(str(entry.fail.get(key, "")), plain) for key in ("error", "where", "text"))
        lines.append(("raised {} in {}: {}".format(*words), "bad"))
    effects = {facts.entry(later).id: later for later in facts.effects(step)}
    for word, ids in (("sends", entry.out), ("arms", entry.armed)):
        for made in ids:
            later = effects.get(made)
            unread = model.reading
            when = f" {to} step {later}" if later else "" if unread else f" {to} not in this trace"
            lines.append((f"{word} {safe(made, plain)}{when}", "" if later else "dim"))
    lines += [(f"loses {safe(gone, plain)}", "lost") for gone in entry.lost]
    return Section(f"step {step}  {safe(entry.id, plain)}", tuple(lines) or (("no effect", "dim"),))


def _state(model: Model, entry: Entry) -> Section | None:
    node, step, facts = entry.name.node, model.step, model.facts
    if not node:
        return None
    if step > facts.known:
        return Section(f"state of {node}", ((f"read so far: {facts.known} steps", "dim"),))
    glyphs, plain = _glyphs(model), model.plain
    changes = {change.field: change for change in facts.told(step).changes}
    fold = facts.after(step)
    down, seen = node in fold.down, fold.node(node)

    def said(value: object) -> str:
        return brief(value, VALUE_MAX, glyphs.more, plain)

    lines = [("down", "fault")] if down else []
    for field, value in sorted(seen.fields.items(), key=lambda item: item[0] not in changes):
        text, style = f"{safe(field, plain)} {said(value)}", ""
        if field in changes:
            old = changes[field].old
            was = "" if old is UNKNOWN else f"{said(old)}{glyphs.to}"
            text = f"{glyphs.involved} {safe(field, plain)} {was}{said(value)}"
            style = "changed"
        lines.append((text, style))
    title = f"{node} after step {step}" + ("" if changes else ", nothing changed")
    return Section(title, tuple(lines) or (("shows nothing", "dim"),))


def _enabled(model: Model, entry: Entry) -> Section:
    known, plain = model.known(), model.plain
    title = f"enabled before: {entry.en}" + (" (and inputs)" if entry.is_external else "")
    if known is None:
        return Section(title, (("asking the target...", "dim"),))
    if known.problem:
        return Section(title, ((safe(known.problem, plain, TEXT_MAX), "dim"),))
    mark = _glyphs(model).here
    lines = [
        (f"{mark} {safe(one, plain)}", "head") if one == entry.id else (f"  {safe(one, plain)}", "")
        for one in sorted(known.enabled, key=lambda one: one != entry.id)[:NAMED_MAX]
    ]
    if len(known.enabled) > NAMED_MAX:
        lines.append((f"  and {len(known.enabled) - NAMED_MAX} more", "dim"))
    return Section(title, tuple(lines) or (("nothing but inputs", "dim"),))


def _invariants(model: Model, entry: Entry) -> Section:
    known, plain = model.known(), model.plain
    footer = model.facts.source.footer
    found = footer.violation if footer else None
    broken = found.invariant if found and model.step >= model.bad_step else ""
    names = list(known.invariants) if known else []
    if found and found.invariant not in [name for name, _ in names]:
        names.append((found.invariant, ""))
    yes, no = ("ok", "NO") if plain else ("✔", "✗")
    lines = []
    for name, doc in names:
        said = f"{no if name == broken else yes} {safe(name, plain)}"
        lines.append(
            (said + (f": {safe(doc, plain)}" if doc else ""), "bad" if name == broken else "")
        )
    if not lines:
        lines.append(("the trace names none", "dim"))
    return Section("invariants after the step", tuple(lines))


def _why(model: Model, entry: Entry) -> Section | None:
    source = model.facts.source
    said = explanation(Trace(source.header, (entry,), source.footer), 0)
    if not said:
        return None
    head, _, rest = said.partition(": ")
    lines = (
        (f"{head}:", "dim"),
        *((part, "") for part in safe(rest, model.plain, TEXT_MAX).split("; ")),
    )
    return Section("why it is needed", lines)


def _log(model: Model, entry: Entry) -> Section | None:
    """Newest lines of the node up to the step."""
    facts, at = model.facts, model.step
    lines: list[tuple[str, str]] = []
    for _ in range(LOG_STEPS_MAX):
        if not at or len(lines) >= LOGGED_MAX:
            break
        style = "" if at == model.step else "dim"
        logged = reversed(facts.entry(at).log)
        lines += [(f"{at:>5} {safe(text, model.plain)}", style) for text in logged]
        at = facts.previous(at)
    if not lines:
        return None
    return Section(f"log of {entry.name.node}, newest first", tuple(lines[:LOGGED_MAX]))
