"""The chosen pair at other contexts, or with other numbers of sequences where no context is set."""

import numpy as np

from kvviz.atlas import reports
from kvviz.pages.explore.heatmap import EXPLORE_CSS
from kvviz.pages.explore.session import ExploreSession
from kvviz.pages.kit.cards import Text
from kvviz.pages.kit.drawn import follow_theme, redraws
from kvviz.pages.kit.figure import Figure
from kvviz.pages.kit.look import Column
from kvviz.scene.explore.bars import bars
from kvviz.scene.theme import THEMES
from kvviz.units import KiB

CONTEXTS = tuple(2**power for power in range(11, 18))
FULL = 9_999  # the longest label of all digits
BATCHES = tuple(2**power for power in range(7))


def contexts(session: ExploreSession) -> Column:
    """Return the card with the bars, bound to the session."""
    chart = bars(THEMES[session.theme])
    title = Text(css_class="title", html=_title(session))

    @redraws
    def show() -> None:
        title.html = _title(session)
        chart.show(*_values(session), low_is_best=session.how.low_is_best)

    session.param.watch(show, "reports")
    session.scenario.param.watch(show, ["model", "gpu"])
    follow_theme(session, [chart])
    show()
    plot = Figure(chart.figure, sizing_mode="stretch_width")
    return Column(title, plot, css_classes=["card"], stylesheets=[EXPLORE_CSS])


def _title(session: ExploreSession) -> str:
    what = "batch sizes" if session.metric == "longest" else "contexts"
    unit = session.how.unit(session.workload)
    title = f"Same pair at other {what}"
    note = f"{unit}, log scale" + ("" if session.metric == "longest" else "; K = 1,024 tokens")
    return f'<header class="wrap"><h2>{title}</h2><small>{note}</small></header>'


def _values(session: ExploreSession) -> tuple[list[float], list[str], list[str], int]:
    """Return the bars' values, texts and labels, and which of them is where the page stands."""
    workload, metric = session.workload, session.how
    of_batch = session.metric == "longest"
    now = workload.batch if of_batch else workload.context
    steps = sorted({*(BATCHES if of_batch else CONTEXTS), now})
    model, gpu = workload.the_model, workload.the_gpu
    if of_batch:
        each = [
            reports(session.axes(models=(model,), gpus=(gpu,), workload=workload.replaced(batch=n)))
            for n in steps
        ]
    else:
        there = workload.replaced(max_model_len=max(workload.max_model_len, *steps))
        grid = session.axes(models=(model,), gpus=(gpu,), workload=there, contexts=tuple(steps))
        each = [reports(grid)]
    values = np.concatenate([metric.values(one).ravel() for one in each])
    fits = np.concatenate([(metric.fits(one) & one.valid).ravel() for one in each])
    found = np.where(fits & np.isfinite(values), values, 0.0).tolist()
    texts = [metric.spell(value) if value else "–" for value in found]
    return found, texts, [_label(step) for step in steps], steps.index(now)


def _label(step: int) -> str:
    """Spell a context as a phone has room for: from 10,000 on in K = 1,024 tokens where whole."""
    return f"{step // KiB}K" if step > FULL and step % KiB == 0 else f"{step:,}"
