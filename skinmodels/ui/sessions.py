"""What Gradio keeps of those who ask: a session each, which ends with the call or the page it belongs to.

Gradio keeps a copy of the page's configuration for every session, a third of a megabyte, up to 10,000 of them; and it opens one
for every call that names none, as calls by plain HTTP do.
"""

from __future__ import annotations

import datetime
import functools
import math
import threading
import time
from collections.abc import Iterator
from typing import Any

import gradio as gr
from gradio.queueing import Event
from gradio.state_holder import StateHolder

# Gradio keeps a record of this many calls, and goes through all of them after each that failed.
_MOST_RECORDS = 100

# Pages, which hold a connection open while they are: infinity while one does, else when it closed, monotonic seconds.
_pages: dict[str, float] = {}
# Seconds for which a page whose connection broke may come back.
_REOPENED = 1800.0


def opened(session: str) -> None:
    """Notes that a page with this session is open."""
    _pages[session] = math.inf


def closed(session: str) -> None:
    """Notes that its page has closed, or its connection broke."""
    _pages[session] = time.monotonic()


def is_page(session: str) -> bool:
    """Whether the session is that of a page that is open, or was lately."""
    return time.monotonic() - _pages.get(session, -math.inf) < _REOPENED


def end_with_their_calls(demo: gr.Blocks) -> None:
    """From now on a call of no page leaves no session behind; to be called after ``demo.queue``."""
    queue = demo._queue
    process = queue.process_events

    @functools.wraps(process)
    async def process_and_forget(events: list[Event], *args: Any, **kwargs: Any) -> None:
        try:
            await process(events, *args, **kwargs)
        finally:
            for event in events:
                # A call that names no session has its own id for one; those of programs have no page that would end them.
                if not is_page(event.session_hash):
                    _end(demo.state_holder, event.session_hash)

    queue.ANALYTICS_MAX_EVENTS = _MOST_RECORDS
    queue.process_events = process_and_forget  # type: ignore[method-assign]


def _end(holder: StateHolder, session: str) -> None:
    holder.delete_state(session)
    with holder.lock:
        holder.session_data.pop(session, None)
        holder.time_last_used.pop(session, None)


def end_old(demo: gr.Blocks, age: float) -> None:
    """Ends sessions of closed pages, and drops answers that nobody fetched, both unused for ``age`` seconds."""
    holder, queue = demo.state_holder, demo._queue
    for page in [its for its in list(_pages) if not is_page(its)]:
        del _pages[page]
    before = datetime.datetime.now() - datetime.timedelta(seconds=age)
    for session, state in list(holder.session_data.items()):
        if state.is_closed and holder.time_last_used.get(session, before) <= before:
            _end(holder, session)
    # Those that may still come for an answer are noted on the first sweep and dropped on the one that finds them too old.
    unfetched = {session for session in list(queue.pending_messages_per_session) if session not in holder.session_data}
    noted = _unfetched.setdefault(id(queue), {})
    for session in unfetched:
        if time.monotonic() - noted.setdefault(session, time.monotonic()) >= age:
            queue.pending_messages_per_session.pop(session, None)
            queue.pending_event_ids_session.pop(session, None)
    for session in [its for its in noted if its not in queue.pending_messages_per_session]:
        del noted[session]


# When each answer without a session was first seen waiting, by queue.
_unfetched: dict[int, dict[str, float]] = {}


def end_old_in_background(demo: gr.Blocks, every: float, age: float) -> threading.Thread:
    """Starts a thread that calls ``end_old`` every so many seconds."""

    def work() -> None:
        while True:
            time.sleep(every)
            end_old(demo, age)

    thread = threading.Thread(target=work, name="end old sessions", daemon=True)
    thread.start()
    return thread


def files_in_use(demo: gr.Blocks) -> set[str]:
    """Paths that calls which wait or run were given, and that open pages show."""
    values: list[Any] = [event.data.data for event in list(demo._queue.event_ids_to_events.values()) if event.data]
    for session, state in list(demo.state_holder.session_data.items()):
        if is_page(session) and not state.is_closed:
            values += [its["props"].get("value") for its in list(state.components) if "props" in its]
    return {path for value in values for path in _paths(value)}


def _paths(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("path"), str):
            yield value["path"]
        value = list(value.values())
    if isinstance(value, list | tuple):
        for its in value:
            yield from _paths(its)
