"""One data set's tab: a picture in, what its models make of it out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component
from PIL import Image

from skinmodels import compare, examples, inference, labels
from skinmodels.errors import SkinModelError
from skinmodels.registry import MODELS
from skinmodels.spec import DataSet, ModelSpec
from skinmodels.ui import texts
from skinmodels.ui.components import permalinks
from skinmodels.ui.components.handles import Handles
from skinmodels.ui.components.permalinks import QUEUE
from skinmodels.ui.components.picture import enlarged, preview
from skinmodels.ui.components.picture_input import example_gallery, picture_input
from skinmodels.ui.components.served_image import KeptImage
from skinmodels.ui.errors import shown

Answer = tuple[dict[str, float], Image.Image, str, dict[str, Any]]


def tab(dataset: DataSet, drawn: list[Path], real: list[Path]) -> Handles:
    """Adds the tab of that data set's models to the Blocks being built, and its endpoint ``/<dataset.key>``.

    Args:
        dataset: whose models are offered.
        drawn: files of synthetic examples.
        real: files of real examples; may be empty.
    """
    specs = [spec for spec in MODELS.values() if spec.dataset is dataset]
    with gr.Tab(dataset.tab, id=dataset.key):
        broken = texts.unusable(specs)
        if broken:
            gr.Markdown(broken, elem_classes="notice")
        with gr.Row():
            with gr.Column(min_width=300):
                picture = picture_input()
                model = gr.Radio(
                    [(spec.title, spec.name) for spec in specs],
                    value=specs[0].name,
                    label="Model",
                    visible=len(specs) > 1,
                )
                button = gr.Button("Classify", variant="primary")
                galleries = [example_gallery(picture, drawn, f"Examples ({examples.SYNTHETIC})")]
                if real:
                    galleries.append(example_gallery(picture, real, "Examples (real pictures)"))
            with gr.Column(min_width=300):
                label = gr.Label(label="Probabilities by this model", show_heading=False)
                done = gr.Markdown(texts.WAITING, label="What was done", elem_id=f"done-{dataset.key}", container=True)
                result = gr.JSON(label="Result", visible="hidden")
                permalinks.share(result)
                seen = KeptImage(
                    label="What the network saw",
                    format="png",
                    type="pil",
                    interactive=False,
                    height=360,
                    buttons=["fullscreen"],
                    elem_classes="seen",
                    alt_text="The picture as the network saw it, its pixels enlarged",
                )
        with gr.Column(elem_classes="facts"):
            gr.Markdown(f"## How good is this model?\nPictures of {dataset.title}.")
            facts = gr.Markdown(texts.facts(specs[0]))

    classify = _endpoint(dataset, specs)
    outputs: list[Component] = [label, seen, done, result]
    nothing = (None, None, texts.WAITING, None)

    def page_only(event: Callable[..., Any], function: Callable[..., Any], *sides: Any, **options: Any) -> Any:
        """An event of the page itself, which stays out of the API."""
        return event(function, *sides, api_visibility="private", **options)

    def again(image: Image.Image | None, name: str) -> Answer | tuple[None, None, str, None]:
        return nothing if image is None else classify(image, name)

    def run_after(event: Callable[..., Any]) -> None:
        clear_on_failure(page_only(event, again, [picture, model], outputs, concurrency_id=QUEUE))

    def clear_on_failure(event: Any) -> None:
        """A picture or model that failed must not stand beside the results of the one before."""
        page_only(event.failure, lambda: nothing, None, outputs, queue=False)

    # The one public event of the tab.
    clear_on_failure(button.click(classify, [picture, model], outputs, api_name=dataset.key, concurrency_id=QUEUE))

    uploaded = page_only(picture.input, shown(preview), picture, picture, show_progress="hidden", concurrency_id=QUEUE)
    run_after(uploaded.success)
    page_only(uploaded.failure, lambda: (None, *nothing), None, [picture, *outputs], queue=False)
    page_only(picture.clear, lambda: nothing, None, outputs, queue=False)
    for gallery in galleries:
        run_after(gallery.load_input_event.success)
    page_only(model.change, lambda name: texts.facts(MODELS[name]), model, facts, show_progress="hidden")
    run_after(model.input)
    return Handles(dataset.key, picture, model, again, outputs)


def _endpoint(dataset: DataSet, specs: list[ModelSpec]) -> Callable[[Image.Image | None, str], Answer]:
    """The tab's prediction, named after its endpoint: gradio and MCP show name, types and docstring to callers."""

    def classify(picture: Image.Image | None, model: str = specs[0].name) -> Answer:
        if picture is None:
            raise SkinModelError("Expected a picture: upload one, take one with the camera, or click an example.")
        prediction = inference.predict(model, picture)
        digest = inference.loaded(model).record.sha256
        shares = {labels.readable(code): share for code, share in prediction.probabilities.items()}
        result = permalinks.result(dataset.key, picture, [compare.Answer(model, prediction, digest)])
        return shares, enlarged(prediction.seen), texts.done(MODELS[model], picture, prediction), result

    classify.__name__ = classify.__qualname__ = dataset.key
    classify.__doc__ = f"""Probabilities of the classes of {dataset.title} for one picture. Research only, never a diagnosis.

    Args:
        picture: A picture file (JPEG, PNG, WebP, TIFF, GIF, BMP, HEIC or AVIF), at most 20 MB and 50 megapixels.
        model: The model to ask, one of {", ".join(spec.name for spec in specs)}.

    Returns:
        The probability of each class, the picture as the network saw it (its pixels enlarged, PNG), some lines on what was
        done, and all figures for programs: probabilities by code, their sum over malignant classes, the conformal set, the
        SHA-256 of picture and weights, versions.
    """
    return shown(classify)
