"""Grids of simulations, each cell once, wherever they are computed."""

from kvviz.sim.sweep.grid import Grid, Requests
from kvviz.sim.sweep.places import Place, dask_cluster, local_processes
from kvviz.sim.sweep.run import sweep
from kvviz.sim.sweep.sentence import SweepError
from kvviz.sim.sweep.table import check_name, write_table

__all__ = [
    "Grid",
    "Place",
    "Requests",
    "SweepError",
    "check_name",
    "dask_cluster",
    "local_processes",
    "sweep",
    "write_table",
]
