"""A sweep from its settings to its rows."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

from kvviz.sim.sweep.cell import Row, compute
from kvviz.sim.sweep.grid import Cell, Grid
from kvviz.sim.sweep.journal import Journal
from kvviz.sim.sweep.places import Crew, Future, Place

AHEAD = 512  # cells handed out before their turn: enough for as many processes


def sweep(
    grid: Grid,
    journal: Path,
    place: Place,
    tell: Callable[[int], None] = lambda done: None,
) -> list[Row]:
    """Return a row for every cell of the grid, in the grid's order.

    Args:
        grid: the settings.
        journal: file that keeps every row as soon as it is there; cells that it has already are
            not computed again.
        place: where cells are computed; the rows do not depend on it.
        tell: called with how many cells are done.

    Raises:
        OSError: the journal cannot be read or written.
        SweepError: the journal is of other settings, or cells cannot be computed there.
    """
    with Journal(journal, grid.said()) as done:
        todo = [cell for cell in grid.cells() if cell.number not in done.rows]
        tell(len(done.rows))
        if todo:
            with place() as crew:
                for row in _computed(crew, todo):
                    done.add(row)
                    tell(len(done.rows))
        return [done.rows[number] for number in range(len(grid))]


def _computed(crew: Crew, cells: Iterable[Cell]) -> Iterator[Row]:
    """Yield the cells' rows as they are done, each once."""
    coming = iter(cells)
    running: set[Future] = {crew.submit(compute, cell) for cell in islice(coming, AHEAD)}
    while running:
        done = crew.wait(running)
        running -= set(done)
        for future in done:
            yield future.result()
            running |= {crew.submit(compute, cell) for cell in islice(coming, 1)}
