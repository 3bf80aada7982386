"""The one place where errors turn into what a person sees."""

from __future__ import annotations

import functools
import inspect
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar, cast

import gradio as gr

from skinmodels.errors import FULL, SkinModelError, disk_is_full

UNEXPECTED = "The server could not answer this request; the reason has been logged."

# How long a sentence stays on the page: time enough to read it twice.
SECONDS = 20

log = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")


def shown(function: Callable[P, R]) -> Callable[P, R]:
    """The function with its SkinModelErrors shown to people as they are, on the page and through the API.

    Any other error is logged with its traceback, and people are told in one general sentence. A generator function stays one.
    """
    if inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def stepped(*args: Any, **kwargs: Any) -> Iterator[Any]:
            with _translated(function.__name__):
                yield from function(*args, **kwargs)

        return cast(Callable[P, R], stepped)

    @functools.wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        with _translated(function.__name__):
            return function(*args, **kwargs)

    return wrapped


@contextmanager
def _translated(name: str) -> Iterator[None]:
    try:
        yield
    except gr.Error:
        raise
    except SkinModelError as error:
        raise gr.Error(str(error), duration=SECONDS, print_exception=False) from error
    except Exception as error:
        if disk_is_full(error):
            raise gr.Error(FULL, duration=SECONDS, print_exception=False) from error
        log_once(error, name)
        raise gr.Error(UNEXPECTED, duration=SECONDS, print_exception=False) from error


# When each place was last logged with its traceback, monotonic seconds.
_logged: dict[tuple[str, str, int], float] = {}
_OFTEN = 3600.0
_MOST_PLACES = 1000


def log_once(error: BaseException, name: str) -> None:
    """Logs an unexpected error with its traceback, the same one from the same place once an hour: callers fill no log."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = type(error).__name__, trace.tb_frame.f_code.co_filename if trace else "", trace.tb_lineno if trace else 0
    now = time.monotonic()
    if now - _logged.get(place, -_OFTEN) < _OFTEN or len(_logged) >= _MOST_PLACES:
        return
    _logged[place] = now
    log.error("Unexpected error in %s", name, exc_info=error)
