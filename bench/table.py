"""Rows of results as a table that can be read."""

from typing import Any


def table(title: str, rows: list[dict[str, Any]]) -> str:
    """Return `rows` under `title`, one column for each key, numbers to the right."""
    heads = list(rows[0])
    lines = [heads, *([_text(row[head]) for head in heads] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    left = [isinstance(value, str) for value in rows[0].values()]
    return "\n".join([title, *(_line(line, widths, left) for line in lines), ""])


def _line(texts: list[str], widths: list[int], left: list[bool]) -> str:
    cells = zip(texts, widths, left, strict=True)
    return "  ".join(
        text.ljust(width) if to_left else text.rjust(width) for text, width, to_left in cells
    ).rstrip()


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "NO"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
