"""What Gradio keeps of those who ask: a session each, which ends with the call or the page it belongs to.

Gradio keeps a copy of the page's configuration for every session, a third of a megabyte, up to 10,000 of them; and it opens one
for every call that names none, as calls by plain HTTP do.
"""

from __future__ import annotations

import datetime
import functools
import threading
import time
from typing import Any

import gradio as gr
from gradio.queueing import Event
from gradio.state_holder import StateHolder


def end_with_their_calls(demo: gr.Blocks) -> None:
    """From now on a call that named no session leaves none behind; to be called after ``demo.queue``."""
    queue = demo._queue
    process = queue.process_events

    @functools.wraps(process)
    async def process_and_forget(events: list[Event], *args: Any, **kwargs: Any) -> None:
        try:
            await process(events, *args, **kwargs)
        finally:
            for event in events:
                # The queue gives such a call its own id for a session.
                if event.session_hash == event._id:
                    _end(demo.state_holder, event._id)

    queue.process_events = process_and_forget  # type: ignore[method-assign]


def _end(holder: StateHolder, session: str) -> None:
    holder.delete_state(session)
    with holder.lock:
        holder.session_data.pop(session, None)
        holder.time_last_used.pop(session, None)


def end_old(demo: gr.Blocks, age: float) -> None:
    """Ends sessions of closed pages, and drops answers that nobody fetched, both unused for ``age`` seconds."""
    holder, queue = demo.state_holder, demo._queue
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
