"""The Paging page's block tables: boxes, arrows, and what sharing saves."""

from kvviz.pages.kit.html import many
from kvviz.pages.paging.session import NAMES, Joined
from kvviz.scene.paging.layout import HEAD, HEIGHT, NARROW, WIDE, Arrow, Box, Diagram, diagram
from kvviz.units import size

BEND = 0.55  # of the way down, an arrow has left its block's column


def table(joined: Joined) -> str:
    """Return the card: sequences at the left, the picture, and the counts at the right."""
    pictures = "".join(
        f'<div class="{name}">{_picture(joined, diagram(joined.sharing, width))}</div>'
        for name, width in (("wide", WIDE), ("narrow", NARROW))
    )
    return f"""<header><h2>Block table: logical to physical</h2>{_badge(joined)}</header>
      <div class="table-grid">{_left(joined)}{pictures}{_right(joined)}</div>"""


def _badge(joined: Joined) -> str:
    copies = len(joined.sharing.copies)
    if copies:
        return f'<span class="badge">copy on write: {many(copies, "block")} copied</span>'
    if joined.sharing.shared_blocks:
        return '<span class="badge">shared, nothing copied yet</span>'
    return '<span class="badge">nothing shared</span>'


def _left(joined: Joined) -> str:
    first = joined.sharing.tables[0]
    last = f"logical blocks 0 to {len(first) - 1:,}" if len(first) > 1 else "logical block 0"
    texts = [
        _text("Sequence A", f"{last}, {many(joined.lengths[0], 'token')}"),
        _text("Physical blocks", "block numbers from an example free list"),
        _others(joined),
    ]
    return f'<div class="side-text">{"".join(texts)}</div>'


def _others(joined: Joined) -> str:
    names = NAMES[1 : len(joined.lengths)]
    if not names:
        return _text("", "")
    title = f"Sequences {' and '.join(names)}" if len(names) > 1 else f"Sequence {names}"
    verb = "begin" if len(names) > 1 else "begins"
    if not joined.prompt:
        return _text(title, "nothing in common with A")
    return _text(title, f"{verb} with A's first {many(joined.prompt, 'token')}")


def _right(joined: Joined) -> str:
    alone = many(len(joined.sharing.tables[0]), "block")
    texts = [_text("", f"1 sequence: {alone}"), _shared_text(joined), _saved_text(joined)]
    return f'<div class="side-text right">{"".join(texts)}</div>'


def _shared_text(joined: Joined) -> str:
    sharing = joined.sharing
    shared = [row.physical for row in sharing.tables[0] if sharing.references[row.physical] > 1]
    if not shared:
        return _text("", "every block has one reference")
    count = sharing.references[shared[0]]
    some = ", ".join(f"{block}" for block in shared[:4])
    more = f" and {len(shared) - 4:,} more" if len(shared) > 4 else ""
    copied = f"; {_copied(joined)}" if sharing.copies else ", copy on write"
    verb = "are" if len(shared) > 1 else "is"
    title = f"{'blocks' if len(shared) > 1 else 'block'} {some}{more} {verb} shared"
    return _text(title, f"reference count {count}{copied}")


def _copied(joined: Joined) -> str:
    source = joined.sharing.copies[0].source
    targets = " and ".join(f"{copy.target}" for copy in joined.sharing.copies)
    return f"{source} was copied to {targets} before a write"


def _saved_text(joined: Joined) -> str:
    sharing = joined.sharing
    if sharing.missing:
        waits = NAMES[len(sharing.tables) : len(joined.lengths)]
        need = many(sharing.missing, "more free block")
        return _text(f"{' and '.join(waits)} must wait", f"the pool needs {need}", "red")
    logical, physical = len(sharing.rows), len(sharing.references)
    sequences = many(len(sharing.tables), "sequence")
    title = f"{sequences}: {logical:,} logical, {physical:,} physical"
    if not sharing.shared_blocks:
        return _text(title, "sharing saves nothing here")
    saved = many(sharing.shared_blocks, "block")
    freed = sharing.shared_blocks * joined.block_bytes
    return _text(title, f"sharing saves {saved}, {size(freed)}", "red")


def _text(title: str, note: str, style: str = "") -> str:
    heading = f"<b>{title}</b>" if title else ""
    return f'<div><p>{heading}<small class="{style}">{note}</small></p></div>'


def _picture(joined: Joined, drawn: Diagram) -> str:
    first, bs = joined.sharing.tables[0], joined.compared.block_size
    parts = [
        *(_arrow(arrow, len(first)) for arrow in drawn.arrows),
        *(_frame(left, right) for left, right in drawn.shared),
        *(_box(box, len(first), bs) for box in drawn.boxes),
    ]
    return (
        f'<svg viewBox="-8 0 {drawn.width + 16} {HEIGHT}" role="img" '
        f'aria-label="{_sentence(joined)}">{"".join(parts)}</svg>'
    )


def _sentence(joined: Joined) -> str:
    sharing = joined.sharing
    return (
        f"{many(len(sharing.tables), 'sequence')} with {len(sharing.rows):,} logical blocks point "
        f"at {len(sharing.references):,} physical ones; sharing saves {sharing.shared_blocks:,}."
    )


def _style(sequence: int, logical: int, blocks: int) -> str:
    """Return an element's colour, from purple to pink within A, and its place in the reveal."""
    share = 100 * logical / max(1, blocks - 1)
    return f"--at: {share:.1f}%; --i: {min(logical, 24) if not sequence else 24 + logical % 9}"


def _arrow(arrow: Arrow, blocks: int) -> str:
    row, down = arrow.row, 1 if arrow.y1 > arrow.y0 else -1
    tip = arrow.y1 - down * HEAD
    bend = arrow.y0 + (tip - arrow.y0) * BEND
    curve = f"M{arrow.x0:.1f},{arrow.y0} C{arrow.x0:.1f},{bend} {arrow.x1:.1f},{bend}"
    head = f"M{arrow.x1 - 4:.1f},{tip} h8 L{arrow.x1:.1f},{arrow.y1} z"
    return (
        f'<g class="arrow s{row.sequence}" style="{_style(row.sequence, row.logical, blocks)}">'
        f'<path d="{curve} {arrow.x1:.1f},{tip}"/><path class="head" d="{head}"/></g>'
    )


def _frame(left: float, right: float) -> str:
    x, width = left - 7, right - left + 14
    return f'<rect class="group" x="{x}" y="78" width="{width}" height="56" rx="8"/>'


def _box(box: Box, blocks: int, block_size: int) -> str:
    row = box.row
    if box.hidden:
        x, y = box.x + box.w / 2, box.y + box.h / 2 + 5
        return f'<text class="hidden" x="{x:.1f}" y="{y}">+{box.hidden:,}</text>'
    name = f"{NAMES[row.sequence]}{row.logical}"
    label = f"{row.physical}" if box.physical else name
    long = ' class="long"' if len(label) > 4 else ""
    tokens = f"{row.tokens} of {many(block_size, 'token')}"
    count = many(box.references, "reference")
    said = f"block {row.physical}: {tokens}, {count}" if box.physical else f"{name}: {tokens}"
    kind = "physical" if box.physical else "logical"
    style, x = _style(row.sequence, row.logical, blocks), box.x + box.w / 2
    return (
        f'<g class="box {kind} s{row.sequence}" style="{style}">'
        f'<title>{said}</title><rect x="{box.x:.1f}" y="{box.y}" width="{box.w:.1f}" '
        f'height="{box.h}" rx="6"/><text{long} x="{x:.1f}" y="{box.y + box.h / 2 + 5}">{label}'
        f"</text></g>"
    )
