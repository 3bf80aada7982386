"""The one place where errors turn into what a person sees."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar, cast

import gradio as gr

from skinmodels.errors import SkinModelError

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
        log.exception("Unexpected error in %s", name)
        raise gr.Error(UNEXPECTED, duration=SECONDS, print_exception=False) from error
