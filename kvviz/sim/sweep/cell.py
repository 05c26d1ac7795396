"""One cell of a sweep computed: its settings and figures as a row, or why there are none."""

from collections.abc import Iterator, Mapping
from typing import Any

from kvviz._version import __version__
from kvviz.settings.scenario import ScenarioError
from kvviz.settings.serving import Serving
from kvviz.sim.pool import scenario_for
from kvviz.sim.simulate import simulate
from kvviz.sim.sweep.grid import Cell
from kvviz.sim.sweep.sentence import SweepError

Row = dict[str, Any]


def compute(cell: Cell) -> Row:
    """Return the row of a cell: the same wherever and whenever it is computed.

    `reason` says in a sentence why a cell cannot be simulated, and is empty where it could be.

    Raises:
        SweepError: the process has another version of kvviz, or another trace.
    """
    if cell.version != __version__:
        raise SweepError(f"a worker has kvviz {__version__}; expected {cell.version}, as here")
    serving = Serving(**cell.serving)
    scenario = scenario_for(cell.scenario, serving.policy)
    row = {
        "cell": cell.number,
        **cell.scenario,
        "mode": scenario.mode,
        "policy": serving.policy,
        "rate": cell.rate,
    }
    row |= serving.settings()
    try:
        served = cell.requests.workload(cell.rate)
        told = simulate(scenario, serving, served).summary()
    except ScenarioError as error:
        return {**row, "reason": str(error), "kind": None}
    del told["wall_s"]  # of the machine, not of the cell
    figures = dict(flat(told))
    return {**row, "reason": "", "kind": "simulated", "workload": served.name, **figures}


def flat(told: Mapping[str, Any], under: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values inside mappings, under their names joined with underscores."""
    for name, value in told.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{under}{name}_")
        else:
            yield f"{under}{name}", value
