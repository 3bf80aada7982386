"""What the page's tabs tell of themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from skinmodels.ui.components.picture import PictureInput


@dataclass(frozen=True)
class Handles:
    """What a link needs of a tab that takes a picture.

    Attributes:
        key: the tab's id.
        picture, models: its inputs.
        answer: makes its outputs of its inputs.
        outputs: where the answer is shown.
    """

    key: str
    picture: PictureInput
    models: gr.Radio | gr.CheckboxGroup
    answer: Callable[..., Any]
    outputs: Sequence[Component]
