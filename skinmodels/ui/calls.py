"""Calls by programs, over HTTP or MCP: what they leave out is filled in, and every failure is one sentence."""

from __future__ import annotations

import html
from typing import Any

import gradio as gr
from gradio.components import Component

from skinmodels.errors import FULL, SkinModelError, disk_is_full
from skinmodels.ui import fetch
from skinmodels.ui.errors import SECONDS, UNEXPECTED, log_once
from skinmodels.ui.upload_guard import GuardedBlocks

_META = {"_type": "gradio.FileData"}


def takes_files(component: Any) -> bool:
    """Whether what is sent for a component holds paths."""
    model = getattr(component, "data_model", None)
    return model is not None and '"path"' in str(model.model_json_schema()).replace("'", '"')


async def completed(components: list[Any], sent: list[Any] | None) -> list[Any]:
    """A value for every component: choices left out or null are those the page begins with, addresses of files are fetched."""
    given = [*(sent or []), *[None] * len(components)][: max(len(components), len(sent or []))]
    for i, component in enumerate(components):
        if given[i] is None and hasattr(component, "choices"):
            given[i] = component.value
        elif given[i] is not None and takes_files(component):
            given[i] = await _with_files(given[i])
    return given


async def _with_files(value: Any) -> Any:
    """What was sent for files, with those fetched that are named by an address, alone, in a list or as a file object's path."""
    if isinstance(value, list):
        return [await _with_files(its) for its in value if its is not None]
    if isinstance(value, str):
        value = {"path": value}
        if not value["path"].startswith(fetch.SCHEMES):
            raise SkinModelError(
                "Expected a file that was uploaded to this page, or its http:, https: or data: URL. Received: other text."
            )
    if isinstance(value, dict) and isinstance(path := value.get("path"), str) and path.startswith(fetch.SCHEMES):
        file = await fetch.fetched(path)
        return {"path": str(file), "orig_name": value.get("orig_name") or file.name, "meta": _META}
    return value


class AnsweringBlocks(GuardedBlocks):
    """``gr.Blocks`` whose endpoints answer every call: with what was asked for, or with one sentence on why not."""

    async def preprocess_data(self, block_fn: Any, inputs: list[Any], state: Any, explicit_call: bool = False) -> list[Any]:
        try:
            given = await completed(block_fn.inputs, inputs)
            # In place: the call's own list then names the files it reads, and holds no data: URL any more.
            inputs[:] = given
            return await super().preprocess_data(block_fn, given, state, explicit_call)
        except FileNotFoundError:
            raise SkinModelError("Expected a file that is still here. Received: one that was deleted since.") from None
        except (SkinModelError, gr.Error, OSError):
            raise
        except Exception as error:
            # Of another shape than the components take: nothing is wrong here, so there is nothing to log.
            names = [_name(its) for its in block_fn.inputs if isinstance(its, Component)]
            raise SkinModelError(
                f"Expected {', '.join(names)}, each as /gradio_api/info describes it. Received: something of another kind."
            ) from error

    async def process_api(self, block_fn: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        try:
            return await super().process_api(block_fn, *args, **kwargs)
        except Exception as error:
            # On the page Gradio draws the sentence as HTML; a program gets it as it is.
            event = kwargs.get("event_data")
            raise sentence(error, of_page=event is not None and event.target is not None) from None


def _name(component: Component) -> str:
    return f"{component.label or component.get_block_name()}".lower()


def sentence(error: Exception, of_page: bool) -> gr.Error:
    """What people are told of an error, escaped where it ``of_page`` ends up as HTML."""
    text = FULL if disk_is_full(error) else error.message if isinstance(error, gr.Error) else str(error)
    if not disk_is_full(error) and not isinstance(error, gr.Error | SkinModelError):
        log_once(error, "a call")
        text = UNEXPECTED
    return gr.Error(html.escape(text, quote=False) if of_page else text, duration=SECONDS, print_exception=False)
