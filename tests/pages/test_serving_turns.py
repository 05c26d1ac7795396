"""Work beside the server's thread: one piece at a time, results in the page's own turn."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from queue import Queue

import pytest

from kvviz.pages.serving.about import about
from kvviz.pages.serving.cards import requests_note
from kvviz.pages.serving.page import PAGE
from kvviz.pages.serving.turns import SIMULATOR, Turns

SECONDS = 30
ROWS = b"arrival_s,prompt,output\n0,50,6\n1,60,7\n"


class Page:
    """Calls back when the test says so."""

    def __init__(self) -> None:
        self.callbacks: Queue[Callable[[], None]] = Queue()

    def add_next_tick_callback(self, callback: Callable[[], None]) -> None:
        self.callbacks.put(callback)

    def tick(self) -> None:
        self.callbacks.get(timeout=SECONDS)()


def test_work_is_done_elsewhere_and_told_when_the_page_turns_to_it():
    page, told = Page(), []
    Turns(page, SIMULATOR)(threading.current_thread, told.append)
    assert told == []
    page.tick()
    assert told != [threading.current_thread()]
    assert len(told) == 1


def test_of_what_comes_meanwhile_the_newest_alone_is_done():
    page, told, done, go = Page(), [], [], threading.Event()
    turns = Turns(page, ThreadPoolExecutor(1))
    turns(lambda: go.wait(SECONDS), told.append)

    def work(number):
        done.append(number)
        return number

    for number in range(5):
        turns(partial(work, number), told.append)
    go.set()
    page.tick()
    page.tick()
    assert (done, told) == ([4], [True, 4])
    assert page.callbacks.empty()


def test_an_error_is_raised_in_the_page_and_the_next_work_is_done():
    page, told = Page(), []
    turns = Turns(page, SIMULATOR)
    turns(lambda: 1 / 0, told.append)
    turns(lambda: 7, told.append)
    with pytest.raises(ZeroDivisionError):
        page.tick()
    page.tick()
    assert told == [7]


def test_a_change_is_simulated_beside_the_thread_that_asks_for_it():
    session, page = PAGE.visit([("requests", "10")]), Page()
    session.simulating = Turns(page, SIMULATOR)
    runs = session.runs
    session.load.requests = 12
    session.serving.max_num_seqs = 7
    assert session.runs is runs
    page.tick()
    assert len(session.runs.workload) == 12
    page.tick()
    assert session.runs.a.serving.max_num_seqs == 7


def test_a_trace_is_read_beside_the_thread_that_asks_for_it():
    session, page = PAGE.visit([("requests", "10")]), Page()
    session.reading = Turns(page, SIMULATOR)
    session.give(ROWS, "mine.csv")
    assert session.trace is None
    page.tick()
    assert session.runs.workload.prompt.tolist() == [50, 60]


def test_texts_of_conversations_are_counted_by_their_letters_and_that_is_said():
    session = PAGE.visit([("requests", "10")])
    turns = [{"from": "human", "value": "x" * 40}, {"from": "gpt", "value": "y" * 8}]
    session.give(json.dumps([{"conversations": turns}]).encode(), "share.json")
    assert session.broken == ""
    assert session.runs.workload.prompt.tolist() == [10]
    assert "four characters per token" in requests_note(session)
    assert "redrawn" in about(PAGE.visit([("requests", "10")]))
    assert "redrawn" not in about(session)
