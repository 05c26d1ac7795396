"""Printing tables: as wide as the terminal, or as wide as they need where there is none."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table


def show(table: Table, heading: str = "", remarks: Sequence[str] = ()) -> None:
    """Print a table between its heading and remarks; into a pipe no cell is cut or padded."""
    console = Console(highlight=False, markup=False)
    if console.is_terminal:
        _print(console, table, heading, remarks)
        return
    needed = Console(width=10_000).measure(table).maximum
    wide = Console(highlight=False, markup=False, soft_wrap=True, width=needed)
    with wide.capture() as captured:
        _print(wide, table, heading, remarks)
    print("\n".join(line.rstrip() for line in captured.get().splitlines()))


def _print(console: Console, table: Table, heading: str, remarks: Sequence[str]) -> None:
    if heading:
        console.print(heading, style="bold")
    console.print(table)
    for number, remark in enumerate(remarks):
        console.print(remark if number else f"\n{remark}")
