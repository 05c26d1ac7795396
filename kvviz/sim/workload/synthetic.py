"""Workloads drawn from distributions: the same seed gives the same requests."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kvviz.catalog.published.workloads import CONVERSATION, Lengths, Traffic
from kvviz.sim.workload.prompts import Pieces
from kvviz.sim.workload.workload import Workload

Column = NDArray[np.int64]

DEFAULT_REQUESTS: Final = 1_000
LAST_SECOND: Final = (2**63 - 1) / 10**9


@dataclass(frozen=True)
class SystemPrompts:
    """Texts with which prompts begin, a few of them often and most of them rarely.

    The k-th is chosen with a chance proportional to 1 / k ** skew (Zipf's law).

    Args:
        count: how many there are, at least 1.
        tokens: of each, at least 1; they come before the user's part of the prompt.
        skew: 0 where all are as frequent; 1 is Zipf's own.
    """

    count: int
    tokens: int
    skew: float = 1.0

    def __post_init__(self) -> None:
        if self.count < 1 or self.tokens < 1 or not 0 <= self.skew <= 100:
            need = "at least one, of at least one token, with a skew from 0 to 100"
            raise ValueError(f"System prompts are {self}, expected {need}.")


def synthetic(
    traffic: Traffic = CONVERSATION,
    requests: int = DEFAULT_REQUESTS,
    seed: int = 0,
    *,
    rate: float | None = None,
    variation: float | None = None,
    longest: int | None = None,
    system_prompts: SystemPrompts | None = None,
) -> Workload:
    """Return requests drawn as published statistics say.

    Arrivals, prompts, outputs and system prompts are drawn from streams of their own, so that
    another rate leaves all lengths as they are.

    Args:
        traffic: the statistics.
        requests: how many, at least 1.
        seed: of the generator, from 0.
        rate: requests per second, instead of the traffic's.
        variation: of the gaps between arrivals, instead of the traffic's; 1 is Poisson.
        longest: tokens of the longest prompt and of the longest output: longer ones are drawn
            again, which lowers the means.
        system_prompts: what prompts begin with; None where all are unlike each other.

    Raises:
        ValueError: one of these is no such number.
    """
    if requests < 1 or seed < 0:
        raise ValueError(f"{requests} requests of seed {seed}: expected at least 1, a seed from 0.")
    when, prompts, outputs, texts = np.random.default_rng(seed).spawn(4)
    rate = traffic.rate if rate is None else rate
    variation = traffic.variation if variation is None else variation
    prompt = _lengths(traffic.prompt, requests, prompts, longest)
    contents = None
    if system_prompts is not None:
        prompt = prompt + system_prompts.tokens
        contents = _beginnings(system_prompts, prompt, texts)
    return Workload(
        f"{traffic.name}, synthetic, seed {seed}",
        _arrivals(requests, rate, variation, when),
        prompt,
        _lengths(traffic.output, requests, outputs, longest),
        contents,
        notes=(
            f"Lengths: {traffic.source}.",
            f"Arrivals: {rate:g} per second, coefficient of variation of the gaps {variation:g}.",
            f"Assumed: {traffic.assumed}.",
        ),
    )


def arrivals(requests: int, rate: float, variation: float = 1.0, seed: int = 0) -> Column:
    """Return nanoseconds at which requests come, the first at 0; shape (requests,).

    The gaps follow a gamma distribution of shape 1 / variation²: exponential at 1 (a Poisson
    process), burstier above, all alike at 0. BurstGPT (Wang et al., arXiv 2401.17644) finds such
    gaps in real services.

    Args:
        requests: how many, at least 1.
        rate: requests per second.
        variation: standard deviation of the gaps over their mean.
        seed: of the generator, from 0.

    Raises:
        ValueError: one of these is no such number, or the last arrival is past 292 years.
    """
    return _arrivals(requests, rate, variation, np.random.default_rng(seed))


def _arrivals(requests: int, rate: float, variation: float, random: np.random.Generator) -> Column:
    if not (0 < rate < float("inf") and (variation == 0 or 0.001 <= variation <= 100)):
        need = "a rate over 0 and a variation of 0 or from 0.001 to 100"
        raise ValueError(f"A rate of {rate} and a variation of {variation}: expected {need}.")
    gaps = np.full(requests, 1 / rate)
    if variation:
        gaps = random.gamma(variation**-2, variation**2 / rate, requests)
    seconds = np.cumsum(gaps) - gaps[0]
    if not seconds[-1] < LAST_SECOND:
        raise ValueError(f"At {rate} requests per second the last one comes after 292 years.")
    when: Column = np.rint(seconds * 1e9).astype(np.int64)
    return when


def _lengths(
    lengths: Lengths, requests: int, random: np.random.Generator, longest: int | None
) -> Column:
    """Return whole numbers of tokens, at least 1; shape (requests,)."""
    if longest is not None and longest < lengths.mean:
        raise ValueError(f"A longest of {longest} tokens: expected at least {lengths.mean:,g}.")
    bound = 10**9 if longest is None else longest
    drawn = _drawn(lengths, requests, random)
    # At least half of all are below the mean, and so below the bound.
    while (over := np.flatnonzero(drawn > bound)).size:
        drawn[over] = _drawn(lengths, over.size, random)
    return drawn


def _drawn(lengths: Lengths, count: int, random: np.random.Generator) -> Column:
    drawn = random.lognormal(np.log(lengths.median), lengths.sigma, count)
    whole: Column = np.maximum(np.rint(np.minimum(drawn, 2e9)), 1).astype(np.int64)
    return whole


def _beginnings(texts: SystemPrompts, prompt: Column, random: np.random.Generator) -> Pieces:
    chance = np.arange(1, texts.count + 1, dtype=np.float64) ** -texts.skew
    chosen = random.choice(texts.count, len(prompt), p=chance / chance.sum()).astype(np.int64)
    tokens = np.full(len(prompt), texts.tokens, dtype=np.int64)
    return Pieces.of(chosen, tokens, np.ones_like(tokens), prompt)
