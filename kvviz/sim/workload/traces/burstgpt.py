"""BurstGPT's traces of GPT services (Wang et al., arXiv 2401.17644; github.com/HPMLL/BurstGPT).

Failed requests have no response tokens there: such rows are not requests here.
"""

from typing import Final

from kvviz.sim.workload.traces.format import Clock, Format, Reader
from kvviz.sim.workload.traces.request import Fields, Request, nanoseconds, tokens

COLUMNS: Final = frozenset(("Timestamp", "Request tokens", "Response tokens"))


def _request(fields: Fields) -> Request:
    return Request(
        nanoseconds(fields, "Timestamp"),
        tokens(fields, "Request tokens"),
        tokens(fields, "Response tokens"),
    )


BURSTGPT: Final = Format(
    name="BurstGPT trace",
    looks="BurstGPT CSV (Timestamp in s, Request tokens, Response tokens)",
    knows=COLUMNS.issubset,
    reader=lambda _: Reader(_request, Clock(from_first=True)),
)
