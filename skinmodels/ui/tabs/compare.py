"""The tab "Compare": one picture, all models or some, and how far they agree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import gradio as gr
from gradio.components import Component
from PIL import Image

from skinmodels import compare as engine
from skinmodels import examples
from skinmodels.compare import Answer
from skinmodels.errors import SkinModelError
from skinmodels.registry import MODELS
from skinmodels.ui.components import permalinks, prediction_rows
from skinmodels.ui.components.handles import Handles
from skinmodels.ui.components.permalinks import QUEUE
from skinmodels.ui.components.picture import preview
from skinmodels.ui.components.picture_input import example_gallery, picture_input
from skinmodels.ui.errors import shown

KEY = "compare"

_WAITING = "No picture yet: upload one, take one with the camera, or click an example. Every chosen model then answers."
_NOTHING = ("", None, _WAITING)


def compare_tab(drawn: list[Path], real: list[Path]) -> Handles:
    """Adds the tab to the Blocks being built, and its endpoint ``/compare``; arguments are those of ``tab.tab``."""
    with gr.Tab("Compare", id=KEY):
        with gr.Row():
            with gr.Column(min_width=300):
                picture = picture_input()
                models = gr.CheckboxGroup(
                    [(spec.title, spec.name) for spec in MODELS.values()],
                    value=list(MODELS),
                    label="Models",
                    show_select_all=True,
                )
                button = gr.Button("Compare", variant="primary")
                galleries = [example_gallery(picture, drawn, f"Examples ({examples.SYNTHETIC})")]
                if real:
                    galleries.append(example_gallery(picture, real, "Examples (real pictures)"))
            with gr.Column(min_width=300, scale=2):
                done = gr.Markdown(_WAITING, elem_id=f"done-{KEY}", container=True)
                rows = gr.HTML(css_template=prediction_rows.CSS)
                result = gr.JSON(label="Result", visible="hidden")
                permalinks.share(result)
        # For programs, which get rows of figures where people get a table.
        gr.Button(visible=False).click(shown(compare), [picture, models], result, api_name=KEY, concurrency_id=QUEUE)

    outputs: list[Component] = [rows, result, done]
    private: dict[str, Any] = {"api_visibility": "private"}
    uploaded = picture.input(shown(preview), picture, picture, show_progress="hidden", concurrency_id=QUEUE, **private)
    for event in (
        button.click,
        uploaded.success,
        *(gallery.load_input_event.success for gallery in galleries),
    ):
        answered = event(
            shown(_rows),
            [picture, models],
            outputs,
            show_progress="hidden",
            trigger_mode="always_last",
            concurrency_id=QUEUE,
            **private,
        )
        answered.failure(lambda: _NOTHING, None, outputs, queue=False, **private)
    uploaded.failure(lambda: (None, *_NOTHING), None, [picture, *outputs], queue=False, **private)
    picture.clear(lambda: _NOTHING, None, outputs, queue=False, **private)
    return Handles(KEY, picture, models, shown(_rows), outputs)


def compare(picture: Image.Image | None, models: list[str] | None = None) -> dict[str, Any]:
    """What several models make of one picture, and how far they agree on malignancy. Research only, never a diagnosis.

    Args:
        picture: A picture file (JPEG, PNG, WebP, TIFF, GIF, BMP, HEIC or AVIF), at most 20 MB and 50 megapixels.
        models: The models to ask, by name; all where left out.

    Returns:
        The picture's SHA-256 and size; a row a model with its probabilities, their sum over malignant classes, what it has no
        class for, its weights' SHA-256, its time, or its error; the agreement; what counts as malignant and why; versions.
    """
    picture, names = _checked(picture, models)
    found = list(engine.answers(names, picture))
    return permalinks.result(KEY, picture, found)


def _rows(picture: Image.Image | None, models: list[str]) -> Iterator[tuple]:
    """The rows so far, again and again, until all models have answered."""
    picture, names = _checked(picture, models)
    yield _drawn([], len(names)), None, f"Asking {_models(len(names))}."
    found: list[Answer] = []
    for found in _arriving(engine.answers(names, picture)):
        if len(found) < len(names):
            yield _drawn(found, len(names)), gr.skip(), gr.skip()
    yield _drawn(found, len(names)), permalinks.result(KEY, picture, found), _done(picture, found)


def _arriving(made: Iterator[Answer]) -> Iterator[list[Answer]]:
    """All answers so far, each time there are more, and in the end. A thread makes them: no model waits for the page."""
    arrived: SimpleQueue[Answer | None] = SimpleQueue()

    def work() -> None:
        try:
            for answer in made:
                arrived.put(answer)
        finally:
            arrived.put(None)

    found: list[Answer] = []
    with ThreadPoolExecutor(1, thread_name_prefix="compare") as pool:
        done = pool.submit(work)
        while (answer := arrived.get()) is not None:
            found.append(answer)
            # Those of fast models are shown together.
            if arrived.empty():
                yield list(found)
        done.result()
    yield found


def _checked(picture: Image.Image | None, models: list[str] | None) -> tuple[Image.Image, list[str]]:
    if picture is None:
        raise SkinModelError("Expected a picture: upload one, take one with the camera, or click an example.")
    return picture, engine.chosen(models)


def _drawn(found: Sequence[Answer], count: int) -> str:
    """The HTML of the answers so far, with a progress bar until all are there."""
    lines = [prediction_rows.line(answer) for answer in found]
    table = prediction_rows.table(lines, "Answers of the models") if lines else ""
    if len(found) < count:
        bar = f'<progress max="{count}" value="{len(found)}" aria-label="Models that have answered"></progress>'
        return prediction_rows.block(prediction_rows.paragraph(f"{len(found)} of {_models(count)} answered"), bar, table)
    return prediction_rows.block(table, prediction_rows.axis(lines))


def _models(count: int) -> str:
    return f"{count} model{'s' if count > 1 else ''}"


def _done(picture: Image.Image, found: Sequence[Answer]) -> str:
    good = [answer for answer in found if answer.prediction]
    failed = f"; {len(found) - len(good)} could not be asked" if len(good) < len(found) else ""
    seconds = sum(answer.prediction.seconds for answer in good if answer.prediction)
    return (
        f"Answered: {_models(len(good))}{failed}. Picture of {picture.width}x{picture.height} pixels, {seconds * 1000:.0f} ms."
    )
