"""The older report's four plots as one HTML page, from a result in a file."""

import json
import sys
from pathlib import Path
from typing import Any

from bokeh.embed import file_html
from bokeh.layouts import gridplot
from bokeh.models import Title
from bokeh.resources import INLINE

from kvviz.scene.kernel_charts import bars, lines, pattern
from kvviz.scene.theme import LIGHT
from kvviz.units import MiB

WIDTH, HEIGHT = 640, 360


def kernel_report(result: dict[str, Any]) -> str:
    """Return a result with ``pattern`` and ``blocks`` as a page that needs no network."""
    rows = {row["name"]: row for row in result["groups"][0]["rows"]}
    weights, held = pattern(LIGHT), lines(LIGHT, "blocks", log=False)
    memory, time = bars(LIGHT, "memory"), bars(LIGHT, "time")
    weights.show(result["pattern"])
    memory.show(*_pair(rows, "peak_bytes", "predicted_bytes", MiB), "{:,.3g}")
    time.show(*_pair(rows, "seconds_median", "predicted_seconds", 1e-3), "{:,.3g}")
    held.show(
        {
            name: (list(range(len(series))), [count / MiB for count in series])
            for name, series in result["blocks"].items()
        },
        "{:,.3g}",
    )
    titles = {
        "Attention pattern, first 20 tokens": weights.figure,
        "Peak memory, MiB": memory.figure,
        "Time, ms": time.figure,
        "Memory per block, MiB": held.figure,
    }
    for text, drawn in titles.items():
        drawn.update(sizing_mode="fixed", width=WIDTH, height=HEIGHT)
        drawn.add_layout(Title(text=text), "above")
    grid = gridplot([*titles.values()], ncols=2, toolbar_location=None)
    where = f"{result['groups'][0]['title']}, {result['device']}, {result['date'][:10]}"
    return file_html(grid, INLINE, title=where)


def _pair(
    rows: dict[str, Any], measured: str, predicted: str, unit: float
) -> tuple[dict[str, float], dict[str, float | None]]:
    expected = {name: row[predicted] for name, row in rows.items()}
    return (
        {name: row[measured] / unit for name, row in rows.items()},
        {name: None if value is None else value / unit for name, value in expected.items()},
    )


def main() -> None:
    """Read a result, write its page."""
    source, target = map(Path, sys.argv[1:])
    target.write_text(kernel_report(json.loads(source.read_text())))


if __name__ == "__main__":
    main()
