"""Frames a second while a scene plays, its pages drawn as images and, for comparison, as rects."""

from collections.abc import Iterator
from itertools import pairwise
from statistics import median
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Page

from bench.browser import PLAYING, MainThread, opened, script
from bench.effort import Effort, turns
from bench.scenes import FRAMES_A_SECOND, LEAST_CHANGED, Scene, scene
from bench.site import Site

GLYPHS = {"image": "hbm", "rect": "rects"}  # and the page that draws with it
RENDERERS = {"image": "pages", "rect": "rects"}
SETTLE_MS = 500


def frames(browser: Browser, site: Site, effort: Effort) -> list[dict[str, Any]]:
    """Return a row for every scene and glyph, played in turns; medians over the rounds."""
    scenes = [scene(name) for name in effort.scenes]
    runs: dict[tuple[str, str], list[dict[str, float]]] = {}
    for each, glyph in _plays(scenes, effort):
        run = _played(browser, site, each, glyph, effort.seconds)
        runs.setdefault((each.name, glyph), []).append(run)
    return [row for each in scenes for row in _rows(each, runs)]


def _plays(scenes: list[Scene], effort: Effort) -> Iterator[tuple[Scene, str]]:
    for _ in turns(effort.rounds, effort.rounds_seconds, least=1):
        for each in scenes:
            for glyph in GLYPHS:
                yield each, glyph


def _rows(each: Scene, runs: dict[tuple[str, str], list[dict[str, float]]]) -> list[dict[str, Any]]:
    middle = {glyph: _medians(runs[each.name, glyph]) for glyph in GLYPHS}
    rects = middle["rect"]["fps"]
    facts = {"scene": each.name, "pages": each.pages, "cells": each.cells, "speed": each.speed()}
    return [
        {
            **facts,
            "glyph": glyph,
            **found,
            "times_rect_fps": found["fps"] / rects if rects else None,
        }
        for glyph, found in middle.items()
    ]


def _medians(runs: list[dict[str, float]]) -> dict[str, float]:
    return {name: median(run[name] for run in runs) for name in runs[0]}


def _played(
    browser: Browser, site: Site, each: Scene, glyph: str, seconds: float
) -> dict[str, float]:
    address = f"{site.address}/{GLYPHS[glyph]}?{each.query}"
    with opened(browser, address, before=script("clock")) as page:
        page.wait_for_function(PLAYING)
        if glyph == "rect":
            page.evaluate(script("rects"))
        page.wait_for_timeout(SETTLE_MS)
        return _recorded(page, each, glyph, seconds)


def _recorded(page: Page, each: Scene, glyph: str, seconds: float) -> dict[str, float]:
    asked = {"renderer": RENDERERS[glyph], "speed": each.speed(), "seconds": seconds}
    main_thread = MainThread(page)
    before = main_thread.seconds()
    record = page.evaluate(script("record"), {**asked, "step": 1000 / FRAMES_A_SECOND})
    worked = main_thread.seconds() - before
    return {**_counted(each, record), **_worked(worked, record)}


def _worked(seconds: float, record: dict[str, Any]) -> dict[str, float]:
    """Return the main thread's milliseconds for each browser frame, and for each paint."""
    return {
        "ms_a_tick": 1000 * seconds / max(1, len(record["ticks"]) - 1),
        "ms_a_paint": 1000 * seconds / max(1, len(record["paints"]) - 1),
    }


def _counted(each: Scene, record: dict[str, Any]) -> dict[str, float]:
    """Count the paints that show enough changed pages; the rest at the run's end is no time."""
    ticks, paints = np.array(record["ticks"]), np.array(record["paints"]).reshape(-1, 2)
    seconds = (ticks[-1, 0] - ticks[0, 0] - _at_rest(each, ticks)) / 1000
    changed = [each.changed_between(a, b) for a, b in pairwise(paints[:, 1])]
    enough = np.array(changed) >= LEAST_CHANGED * each.pages
    onward = enough & (np.diff(paints[:, 1]) > 0)
    lasted = np.diff(paints[:, 0])[onward]
    return {
        "fps": float(enough.sum() / seconds),
        "p95_ms": float(np.percentile(lasted, 95)) if len(lasted) else float("nan"),
        "ticks_a_second": float(1000 / np.diff(ticks[:, 0]).mean()),
        "changed_percent": 100 * float(np.median(changed)) / each.pages if changed else 0.0,
    }


def _at_rest(each: Scene, ticks: np.ndarray) -> float:
    """Return the milliseconds in which the playhead stood at the run's end."""
    standing = (ticks[:-1, 1] >= each.end) & (ticks[1:, 1] >= each.end)
    return float(np.diff(ticks[:, 0])[standing].sum())
