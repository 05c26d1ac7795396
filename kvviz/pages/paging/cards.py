"""The Paging page's texts as HTML: four figures, the reservation, the pool, how paging works."""

from html import escape

from kvviz import units
from kvviz.catalog.models.tokens import RULE_OF_THUMB
from kvviz.memory.comparison import Compared, Comparison, compare, held_tokens
from kvviz.memory.kv import kv_width
from kvviz.pages.kit.html import many, share, short
from kvviz.pages.paging.session import NAMES, Joined, PagingSession, PagingSettings
from kvviz.shards.cache import layer_bytes
from kvviz.units import size

LARGE_MIB = 10_240  # a slot of this size or more, and what is compared with it, is spelled in GiB
PLATE_SHARE = 35  # % of the slot that the words on its waste need
LABEL_SHARE = 3  # % of the slot that its used part needs to bear a number
EARLY_SHARE = 12  # % of the slot: before it a mark is too near the first one on a phone
LATE_SHARE = 60  # % of the slot: past it a mark is too near the last one on a phone
APART = 8  # % of the slot between two marks of its axis, at least
OLDER_SLOT = 1024  # tokens: the slot whose figures the older report printed


def older_report() -> str:
    """Return the line that explains an older report's figures, computed."""
    then, model = (
        compare(Comparison(max_model_len=OLDER_SLOT)),
        short(Comparison.param.model.default),
    )
    return (
        f"An older report’s {then.traditional_memory_mb:,.2f} MB and "
        f"{then.memory_saved_percent:g}% hold for {escape(model.partition('-')[0])} with "
        f"max_model_len {OLDER_SLOT:,}."
    )


def metrics(found: Compared) -> str:
    """Return the four cards."""
    slots = found.traditional_memory_mb
    cards = [
        (
            "Traditional",
            f"<span>pre-allocated, </span>{found.max_model_len:,} tokens",
            _memory(slots, found),
            100,
        ),
        (
            "Paged",
            f"<span>on demand, </span>{many(found.sequence_length, 'token')}",
            _memory(found.paged_memory_mb, found),
            100 * found.paged_memory_mb / slots,
        ),
        _saved(found),
        (
            "Pool usage",
            f"{found.blocks_used:,} of {many(found.num_blocks, 'block')}",
            (share(found.utilization_percent / 100, 2).removesuffix("%"), "%"),
            found.utilization_percent,
        ),
    ]
    return "".join(_metric(place, *card) for place, card in enumerate(cards))


def sentence(found: Compared) -> str:
    """Say the comparison in words."""
    return (
        f"Reserving {many(found.max_model_len, 'token')} takes "
        f"{' '.join(_memory(found.traditional_memory_mb, found))}, "
        f"{many(found.blocks_used, 'block')} for {many(found.sequence_length, 'token')} "
        f"{'takes' if found.blocks_used == 1 else 'take'} "
        f"{' '.join(_memory(found.paged_memory_mb, found))}: "
        f"{units.share(abs(found.memory_saved_percent) / 100, 2)} "
        f"{'less' if found.memory_saved_percent >= 0 else 'more'}."
    )


def _saved(found: Compared) -> tuple[str, str, tuple[str, str], float]:
    percent = found.memory_saved_percent
    if percent < 0:  # the last block is longer than what is left of the slot
        return (
            "Saved",
            "one block exceeds max_model_len",
            _memory(found.memory_saved_mb, found),
            0,
        )
    return (
        "Saved",
        f"{share(percent / 100, 2)} less",
        _memory(found.memory_saved_mb, found),
        percent,
    )


def _metric(place: int, name: str, note: str, value: tuple[str, str], share: float) -> str:
    figure, unit = value
    side = "from-left" if place < 2 else "from-right"
    return f"""<section class="card metric {name.lower()}" style="--i: {place}">
      <header><h2>{name}</h2><small>{note}</small></header>
      <p title="computed"><b>{figure}</b> {unit}</p>
      <div class="track"><i class="{side}" style="width: {share:.4f}%"></i></div></section>"""


def _memory(mib: float, found: Compared) -> tuple[str, str]:
    """Spell a size in the unit that all sizes of the comparison have."""
    large = found.traditional_memory_mb >= LARGE_MIB
    figure = f"{mib / 1024 if large else mib:,.2f}".replace("-", "−")
    return figure, "GiB" if large else "MiB"


def slot(settings: PagingSettings, found: Compared) -> str:
    """Return the reservation: tokens used, tokens reserved, and an axis of tokens."""
    held, reserved = held_tokens(settings), held_tokens(settings, found.max_model_len)
    used = 100 * held / reserved
    waste = _memory(found.traditional_memory_mb * found.traditional_waste_percent / 100, found)
    words = f"{found.wasted_tokens:,} tokens reserved but not used, {' '.join(waste)}"
    label = f"<b>{held:,}</b>" if used > LABEL_SHARE else ""
    slim = " slim" if used < EARLY_SHARE else ""
    side = "" if 100 - used >= PLATE_SHARE else " over"
    plate = f'<em class="plate{side}">{words}</em>' if found.wasted_tokens else ""
    said = f"{reserved:,} tokens reserved: {held:,} used, {words}."
    return f"""<header><h2>Traditional cache: one contiguous reservation</h2>
      <small title="computed">{_formula(settings, found)}</small></header>
      <div class="slot-bar" role="img" aria-label="{said}" style="--used: {used:.4f}%">
        <i class="used{slim}">{label}</i><i class="waste"></i>{plate}</div>
      <div class="axis" aria-hidden="true">{_axis(held, reserved)}</div>
      {_notes(found)}"""


def _formula(settings: PagingSettings, found: Compared) -> str:
    """Say what a token takes: factor by factor, or by the bytes of each kind of layer."""
    scenario = settings.scenario()
    model, number = scenario.the_model, kv_width(scenario, scenario.the_model)
    total = f"{size(found.kv_bytes_per_token)} per token = "
    caching = [layer for layer in model.layers if layer.cached_values]
    first, count = caching[0], len(caching)
    if len(set(caching)) == 1 and first.cached_values == 2 * first.kv_heads * first.head_dim:
        return (
            f"{total}2 × {many(count, 'layer')} × {many(first.kv_heads, 'KV head')} × "
            f"{first.head_dim} × {number} B"
        )
    sizes = [layer_bytes(layer, number) for layer in caching]
    parts = {each: sizes.count(each) for each in sizes}
    return total + " + ".join(f"{many(n, 'layer')} × {each:,} B" for each, n in parts.items())


def _axis(held: int, slot_tokens: int) -> str:
    """Return the marks: both ends, the used tokens, and quarters where there is room."""
    at_held = 100 * held / slot_tokens
    marks = {0: "early" if at_held < EARLY_SHARE else "", slot_tokens: "end"}
    if LABEL_SHARE < at_held < 100 - APART:
        marks[held] = "late" if at_held > LATE_SHARE else ""
    for quarter in (1, 2, 3):
        tokens = slot_tokens * quarter // 4
        if abs(tokens - held) / slot_tokens * 100 > APART:
            marks.setdefault(tokens, "quarter")
    return "".join(
        f'<span class="{style}" style="left: {100 * at / slot_tokens:.3f}%">{at:,}'
        f"{' tokens' if at == slot_tokens else ''}</span>"
        for at, style in sorted(marks.items())
    )


def _notes(found: Compared) -> str:
    return "".join(f'<p class="note">Note: {escape(line)}.</p>' for line in found.warnings)


def pool_header(joined: Joined) -> str:
    """Return the pool's heading: how many blocks, whose, how large, and whether there is room."""
    found, block = joined.compared, joined.block_bytes
    free = found.num_blocks - len(joined.sharing.references)
    return f"""<h2>Paged cache: {many(found.num_blocks, "block")} of
      {many(found.block_size, "token")}</h2>{_room(joined, free)}
      <small><i class="chip in-use"></i>{found.blocks_used:,} in use</small>{_joining(joined)}
      <small><i class="chip free"></i>{free:,} free</small>
      <small title="computed">{size(block)} per block,
      {size(block * found.num_blocks)} in all</small>"""


def _room(joined: Joined, free: int) -> str:
    if joined.sharing.missing:
        waits = NAMES[len(joined.sharing.tables)]
        more = many(joined.sharing.missing, "block")
        return f'<span class="badge full">{waits} waits: {more} short</span>'
    if not free:
        return '<span class="badge full">pool is full</span>'
    return '<span class="badge ok">pool has room</span>'


def _joining(joined: Joined) -> str:
    """Return a chip for each sequence that has joined, with the blocks that are its own."""
    parts = []
    for index, table in enumerate(joined.sharing.tables[1:], start=1):
        first = {row.physical for row in joined.sharing.tables[0]}
        own = sum(row.physical not in first for row in table)
        parts.append(f'<small><i class="chip joined{index}"></i>+{own:,} {NAMES[index]}</small>')
    return "".join(parts)


def pool_sentence(joined: Joined) -> str:
    """Say which blocks are in use, in words."""
    blocks = [row.physical for row in joined.compared.blocks]
    listed = ", ".join(f"{block:,}" for block in blocks[:12])
    more = f" and {len(blocks) - 12:,} more" if len(blocks) > 12 else ""
    return (
        f"{joined.compared.blocks_used:,} of {many(joined.compared.num_blocks, 'block')} hold "
        f"sequence A: {listed}{more}. Use the arrow keys to move through the blocks."
    )


def how(block_size: int) -> str:
    """Return the three columns on how paging works."""
    steps = (
        (
            "Allocate on demand",
            f"A block of {many(block_size, 'token')} is taken from the free list when the last "
            "one is full. Nothing is reserved.",
        ),
        (
            "Look up through a table",
            "The kernel finds each block through the block table. Blocks can be anywhere, so there "
            "is no external fragmentation.",
        ),
        (
            "Share equal prefixes",
            "Sequences that start with the same tokens use the same blocks. A block is copied only "
            "when one of them writes to it.",
        ),
    )
    return "".join(
        f'<section class="card step"><b>{number}</b><div><h2>{title}</h2><p>{text}</p></div>'
        f"</section>"
        for number, (title, text) in enumerate(steps, start=1)
    )


def counted(session: PagingSession) -> str:
    """Say how many tokens the text has, and how that is known."""
    if session.count is None:
        by = session.tokenizer_name
        return (
            f"Counted by {escape(by)}."
            if by
            else "No tokenizer loaded: token counts are estimates."
        )
    found = many(session.count.tokens, "token")
    if session.count.kind == "computed":
        return f'<b title="computed">{found}</b>, counted by {escape(session.count.how)}.'
    about = f'About <b title="assumed: {RULE_OF_THUMB}">{found}</b>'
    return f"{about}, estimated: {session.count.how} assumed."
