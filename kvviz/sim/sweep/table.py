"""The rows of a sweep as a table in a file."""

import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kvviz.sim.sweep.cell import Row
from kvviz.sim.sweep.sentence import SweepError

if TYPE_CHECKING:
    import pandas as pd

SUFFIXES = (".csv", ".parquet")
DTYPES = ((bool, "boolean"), (int, "Int64"), (float, "Float64"), (str, "string"))


def check_name(path: Path) -> None:
    """Raise `SweepError` where a table cannot have that name, or its format needs a package."""
    if path.suffix not in SUFFIXES:
        raise SweepError(f"{path}: expected a name that ends in .csv or .parquet")
    if path.suffix == ".parquet" and not find_spec("pyarrow"):
        raise SweepError("Parquet needs pyarrow: install kvviz[sweep]")


def frame(rows: Sequence[Row]) -> "pd.DataFrame":
    """Return the rows, in their order; what a cell has no value for is missing, not 0 or NaN."""
    import pandas as pd

    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: [row.get(name) for row in rows] for name in names}
    return pd.DataFrame(
        {name: pd.array(values, dtype=_dtype(values)) for name, values in columns.items()}
    )


def _dtype(values: Sequence[Any]) -> Any:
    """Return the narrowest type of all values; numbers of a column without any are float."""
    kinds = {type(value) for value in values if value is not None} or {float}
    return next(name for kind, name in reversed(DTYPES) if kind in kinds)


def write_table(rows: Sequence[Row], path: Path) -> None:
    """Write rows to a CSV or Parquet file, all of it or nothing.

    Raises:
        OSError: the file cannot be written.
        SweepError: its name ends in neither, or pyarrow is missing.
    """
    check_name(path)
    table, partial = frame(rows), path.with_name(f"{path.name}.part")
    if path.suffix == ".csv":
        table.to_csv(partial, index=False)
    else:
        table.to_parquet(partial, index=False)
    os.replace(partial, path)
