"""The tab of all models: one sortable table, and the card of the model chosen."""

from __future__ import annotations

from typing import Any

import gradio as gr

from skinmodels.registry import MODELS
from skinmodels.ui.components import model_card, model_rows, model_table
from skinmodels.ui.errors import shown

TAB = "Models"

_INTRODUCTION = """All models in one table. A click on a column's name sorts by it, a click on a model shows its card.
Below the networks stand classical baselines, there to compare with: they are not served and have no card.

- **whole**: the test part as the split made it; of a published split, some lesions may lie on both sides.
- **clean**: without every picture that shares a lesion or a near-duplicate with the model's own training or validation.
- **random split**: the same network trained on a split by picture, as many papers do. What it gains is leakage, or chance.

A paper's claim and a figure measured here were seldom taken on the same pictures. Intervals are 95 %, from a bootstrap over
lesions. ECE: how far the top answer's probability is from how often it is right. Latency: one picture, median, on the machine
that measured it.
"""


def models_tab() -> None:
    """Adds the tab to the Blocks being built, and its endpoint ``/models``. Draws no plot before the tab is opened."""
    with gr.Tab(TAB, id="models") as opened:
        gr.Markdown(_INTRODUCTION)
        overview = gr.HTML(
            model_table.table(model_rows.rows()),
            css_template=model_table.CSS,
            js_on_load=model_table.JS,
            apply_default_css=False,
            elem_id="models-table",
        )
        chosen = gr.Dropdown(
            [(f"{spec.title} ({name})", name) for name, spec in MODELS.items()],
            value=next(iter(MODELS)),
            label="Model",
            elem_id="models-chosen",
        )
        card = gr.HTML(css_template=model_card.CSS, apply_default_css=False, elem_id="models-card")
        gr.api(shown(models), api_name="models")

    draw = shown(model_card.card)
    opened.select(draw, chosen, card, api_visibility="private")
    chosen.change(draw, chosen, card, api_visibility="private")
    overview.click(_of_row, None, chosen, show_progress="hidden", queue=False, api_visibility="private")


def _of_row(event: gr.EventData) -> Any:
    """The model of the row that was clicked, wherever sorting has put it."""
    name = getattr(event, "model", None)
    return name if name in MODELS else gr.skip()


def models() -> list[dict[str, Any]]:
    """All models, and the classical baselines, with what was measured on pictures kept out of training.

    Research only, never a diagnosis.

    Returns:
        A row a model, then one a baseline, which cannot be asked about a picture: model, title, data_set, paper, claims
        (metric, value, where), the figures of test_clean, test and test_random_split (n, accuracy, balanced_accuracy,
        macro_auc and their 95 % intervals; null where not measured), ece (after calibration), ece_uncalibrated, file_bytes,
        latency_ms, parameters (null for baselines), error (why it cannot be used, or null).
    """
    return [dict(row) for row in model_rows.rows()]
