"""The older report's four plots as one HTML page, from a result in a file."""

import json
import sys
from html import escape
from pathlib import Path
from typing import Any

from bokeh.embed import file_html
from bokeh.layouts import column, gridplot
from bokeh.models import Div, Title
from bokeh.resources import INLINE

from kvviz.scene.kernels.bars import bars, pair
from kvviz.scene.kernels.lines import lines
from kvviz.scene.kernels.pattern import pattern
from kvviz.scene.theme import LIGHT, SANS
from kvviz.units import MiB

WIDTH, HEIGHT = 640, 360
TEXT = {"font-family": SANS, "font-size": "15px", "padding": "0 12px"}


def kernel_report(result: dict[str, Any]) -> str:
    """Return a result with ``pattern`` and ``blocks`` as a page that needs no network."""
    rows = {row["name"]: row for row in result["groups"][0]["rows"]}
    weights, held = pattern(LIGHT), lines(LIGHT, "blocks", log=False)
    memory, time = bars(LIGHT, "memory"), bars(LIGHT, "time")
    weights.show(result["pattern"])
    memory.show(*pair(rows, "peak_bytes", "predicted_bytes", MiB), "{:,.3f}")
    time.show(*pair(rows, "seconds_minimum", "predicted_seconds", 1e-3), "{:,.3f}")
    held.show(
        {
            name: (list(range(len(series))), [count / MiB for count in series])
            for name, series in result["blocks"].items()
        },
        "{:,.3f} MiB".format,
    )
    titles = {
        "Attention pattern, first 20 tokens": weights.figure,
        "Peak memory, MiB; the line is the prediction": memory.figure,
        "Best time, ms; the line is the prediction": time.figure,
        "Memory per block, MiB": held.figure,
    }
    for text, drawn in titles.items():
        drawn.update(sizing_mode="fixed", width=WIDTH, height=HEIGHT)
        drawn.add_layout(Title(text=text, text_font=SANS, text_font_size="16px"), "above")
    grid = gridplot([*titles.values()], ncols=2, toolbar_location=None)
    title, notes = result["groups"][0]["title"], result["groups"][0]["notes"]
    where = f"measured on {result['device']}, NumPy {result['numpy']}, {result['date'][:10]}"
    said = "".join(f"<p>{escape(line)}</p>" for line in (where, *notes))
    heading = Div(text=f"<h2>{escape(title)}</h2>{said}", styles=TEXT, width=2 * WIDTH)
    return file_html(column(heading, grid), INLINE, title=f"{title}, {where}")


def main() -> None:
    """Read a result, write its page."""
    source, target = map(Path, sys.argv[1:])
    target.write_text(kernel_report(json.loads(source.read_text())))


if __name__ == "__main__":
    main()
