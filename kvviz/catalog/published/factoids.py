"""Published facts on KV-cache memory, read from ``factoids.csv``, each with its source."""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class Factoid:
    """One or two sentences worth knowing.

    Args:
        text: plain text.
        source: the publication, or how the numbers were computed.
        kind: ``published`` by others, or ``computed`` here.
        about: what has to be on screen for it: an attention kind, ``gqa`` or a GPU's short name;
            empty where it holds of any.
    """

    text: str
    source: str
    kind: Literal["published", "computed"]
    about: str = ""


@cache
def published_factoids() -> tuple[Factoid, ...]:
    """Return every published fact, in the order of the table."""
    path = Path(__file__).with_name("factoids.csv")
    with path.open(encoding="utf-8", newline="") as rows:
        return tuple(
            Factoid(row["text"], row["source"], "published", row["about"])
            for row in csv.DictReader(rows)
        )
