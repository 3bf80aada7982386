"""Sessions end with the call or the page they belong to."""

from __future__ import annotations

import asyncio
import datetime

import gradio as gr
import pytest
from gradio.queueing import Event
from gradio.state_holder import StateHolder

from skinmodels.ui import sessions


@pytest.fixture
def demo() -> gr.Blocks:
    with gr.Blocks() as demo:
        text = gr.Textbox()
        text.change(lambda value: value, text, text, api_name="echo")
    demo.queue()
    StateHolder().set_blocks(demo)
    return demo


def process(demo: gr.Blocks, session: str | None) -> Event:
    """One event through the queue, whose own work is replaced by looking up the session, as it does."""
    queue = demo._queue

    async def look_up(events: list[Event]) -> None:
        for event in events:
            demo.state_holder[event.session_hash]

    queue.process_events = look_up  # type: ignore[assignment,method-assign]
    sessions.end_with_their_calls(demo)
    event = Event(session, demo.fns[0], None, "")  # type: ignore[arg-type]
    asyncio.run(queue.process_events([event]))  # type: ignore[call-arg]
    return event


def test_a_call_without_a_session_leaves_none(demo: gr.Blocks) -> None:
    process(demo, None)
    assert not demo.state_holder.session_data
    assert not demo.state_holder.time_last_used


def test_a_page_keeps_its_session(demo: gr.Blocks) -> None:
    sessions.opened("page")
    process(demo, "page")
    assert list(demo.state_holder.session_data) == ["page"]
    sessions.closed("page")
    process(demo, "page")
    assert list(demo.state_holder.session_data) == ["page"]


def test_a_program_that_names_a_session_leaves_none(demo: gr.Blocks) -> None:
    process(demo, "program")
    assert not demo.state_holder.session_data


def test_sessions_of_closed_pages_end_when_they_are_old(demo: gr.Blocks) -> None:
    holder = demo.state_holder
    for name in ("open", "closed lately", "closed"):
        holder[name].is_closed = name != "open"
    holder.time_last_used["closed"] -= datetime.timedelta(seconds=100)
    holder.time_last_used["open"] -= datetime.timedelta(seconds=100)
    sessions.end_old(demo, 60)
    assert list(holder.session_data) == ["open", "closed lately"]


def test_answers_that_nobody_fetches_are_dropped(demo: gr.Blocks) -> None:
    queue = demo._queue
    queue.pending_messages_per_session["unfetched"] = object()  # type: ignore[assignment]
    queue.pending_event_ids_session["unfetched"] = set()
    sessions.end_old(demo, 60)
    assert "unfetched" in queue.pending_messages_per_session
    sessions.end_old(demo, 0)
    assert not queue.pending_messages_per_session
    assert not queue.pending_event_ids_session
