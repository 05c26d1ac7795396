"""Published statistics of requests to services, from which synthetic workloads are drawn."""

from dataclasses import dataclass
from math import exp, log, sqrt
from typing import Final, Self


@dataclass(frozen=True, slots=True)
class Lengths:
    """A log-normal distribution of token counts.

    Args:
        mean: its mean, at least 1.
        sigma: standard deviation of the logarithm; 0 where all are alike.
    """

    mean: float
    sigma: float

    def __post_init__(self) -> None:
        if not (1 <= self.mean <= 10**9 and 0 <= self.sigma <= 10):
            need = "a mean from 1 to 1,000,000,000 and a sigma from 0 to 10"
            raise ValueError(
                f"Lengths of mean {self.mean} and sigma {self.sigma}: expected {need}."
            )

    @classmethod
    def with_median(cls, mean: float, median: float) -> Self:
        """Return the distribution of a mean and a median.

        Raises:
            ValueError: the median is not from 1 to the mean.
        """
        if not 1 <= median <= mean:
            raise ValueError(f"A median of {median}: expected one from 1 to the mean, {mean}.")
        return cls(mean, sqrt(2 * log(mean / median)))

    @property
    def median(self) -> float:
        """Return the median."""
        return self.mean * exp(-(self.sigma**2) / 2)


@dataclass(frozen=True, slots=True)
class Traffic:
    """How requests come to a service and how long they are.

    Args:
        name: what it is called.
        rate: requests per second.
        variation: standard deviation of the gaps between arrivals over their mean.
        prompt: tokens of the prompts.
        output: tokens of the outputs.
        source: where the figures come from.
        assumed: what no publication says.
    """

    name: str
    rate: float
    variation: float
    prompt: Lengths
    output: Lengths
    source: str
    assumed: str


SHAPES: Final = "log-normal lengths, independent of each other, and gamma gaps"

CONVERSATION: Final = Traffic(
    name="conversation",
    rate=5.5301,
    variation=1.0942,
    prompt=Lengths.with_median(1154.697, 1020),
    output=Lengths.with_median(211.126, 129),
    source="means, medians and gaps computed from the 19,366 requests of "
    "AzureLLMInferenceTrace_conv.csv (2023-11-16, CC-BY 4.0), published with Patel et al., "
    "Splitwise, ISCA 2024",
    assumed=SHAPES,
)
"""What is simulated where no trace is given."""

CODE: Final = Traffic(
    name="code",
    rate=2.5664,
    variation=13.1513,
    prompt=Lengths.with_median(2047.848, 1469),
    output=Lengths.with_median(27.883, 13),
    source="means, medians and gaps computed from the 8,819 requests of "
    "AzureLLMInferenceTrace_code.csv (2023-11-16, CC-BY 4.0), published with Patel et al., "
    "Splitwise, ISCA 2024",
    assumed=SHAPES,
)

SHAREGPT: Final = Traffic(
    name="sharegpt",
    rate=2.0,
    variation=1.0,
    prompt=Lengths(161, 1.0),
    output=Lengths(338, 1.0),
    source="mean lengths of ShareGPT: Kwon et al., PagedAttention, SOSP 2023, arXiv 2309.06180",
    assumed=f"{SHAPES}; sigma 1 for both lengths, and two Poisson arrivals per second",
)
"""The lengths behind the PagedAttention paper's memory table, whose spread is not published."""

TRAFFIC: Final = {traffic.name: traffic for traffic in (CONVERSATION, CODE, SHAREGPT)}
