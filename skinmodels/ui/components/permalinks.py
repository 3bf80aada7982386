"""Links on the page: copying one to the result that is shown, and opening one."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from skinmodels import compare, weights
from skinmodels import permalinks as codec
from skinmodels.compare import Answer
from skinmodels.errors import SkinModelError
from skinmodels.registry import MODELS
from skinmodels.ui.components import prediction_rows
from skinmodels.ui.components.handles import Handles
from skinmodels.ui.components.picture import PictureInput, preview, sha256
from skinmodels.ui.errors import shown

# All predictions of the page share this queue, see ``page.CONCURRENT``.
QUEUE = "predictions"

# Where the browser does not let a page write to the clipboard, the link still stands in its box.
_COPY = """async (result, thumbnail) => {
  const link = location.origin + location.pathname + result.link + (thumbnail ? result.thumbnail : '');
  try {
    await navigator.clipboard.writeText(link);
    return [link, 'Copied'];
  } catch {
    return [link, 'Copy it from the box'];
  }
}"""

# The address names what is shown, unless it holds a saved result that is open.
_NEW_RESULT = """(result) => {
  if (result?.place && !location.hash.startsWith('#result=')) history.replaceState(null, '', result.place);
  return ['', { __type__: 'update', value: 'Copy link', interactive: !!result?.link }];
}"""
# The fragment of an address never leaves the browser by itself: this hands it on where there is one. It also names a tab in the
# address once it is clicked.
WATCH = """() => {
  const open = () => { if (location.hash.length > 1) document.querySelector('#open-link')?.click(); };
  window.addEventListener('hashchange', open);
  document.addEventListener('click', (event) => {
    const tab = event.target.closest?.('[role=tab][data-tab-id]')?.dataset.tabId;
    if (tab && !location.hash.startsWith('#result=')) history.replaceState(null, '', `#tab=${tab}`);
  });
  open();
}"""
_FRAGMENT = "() => [location.hash]"
_CLOSE = "() => history.replaceState(null, '', location.pathname + location.search)"

_SAVED = (
    "This result was read from the link that opened this page. Nothing of it is kept on the server, and its figures are not "
    "verified: whoever made the link could have written any."
)
# Half a millionth is lost in a link, and float32 on another machine may differ a little more.
_SAME = 5e-4

# Numbers of the built-in examples by their files' SHA-256.
_numbers: dict[str, int] = {}

_OWN_COPY = "To check them, put in your own copy of the picture: the same models are asked again."


def result(tab: str, picture: Image.Image, found: Sequence[Answer]) -> dict[str, Any]:
    """These answers for programs, as ``compare.as_json`` gives them, with what follows the page's address in a link to them.

    ``link`` holds the result, ``thumbnail`` may be added to it, ``place`` names the tab and its model.
    """
    values = compare.as_json(picture, found)
    digest = values["picture"]["sha256"]
    good = [answer for answer in found if answer.prediction]
    model = None if tab not in {MODELS[answer.name].dataset.key for answer in found} else found[0].name
    values["place"] = codec.to_place(codec.Place(tab, model, _numbers.get(digest)))
    if digest and good and good[0].prediction:
        values["link"] = codec.to_result(digest, good)
        values["thumbnail"] = codec.to_thumbnail(good[0].prediction.seen)
    return values


def share(shown_result: gr.JSON) -> None:
    """Adds "Copy link" for the result that the component holds. All happens in the browser."""
    with gr.Row(elem_classes="share"):
        button = gr.Button("Copy link", interactive=False, size="md", min_width=120)
        thumbnail = gr.Checkbox(label="with a 32x32 thumbnail", min_width=200)
    link = gr.Textbox(
        label="Link to this result",
        info="It holds the figures and the picture's SHA-256 itself; the server keeps nothing.",
        max_lines=1,
        placeholder=" ",
        interactive=False,
        elem_classes="link",
    )
    button.click(None, [shown_result, thumbnail], [link, button], js=_COPY, api_visibility="private")
    shown_result.change(None, shown_result, [link, button], js=_NEW_RESULT, api_visibility="private")
    # The link that was copied is another one than that asked for now.
    thumbnail.change(None, None, [link, button], js="() => ['', 'Copy link']", api_visibility="private")


@dataclass(frozen=True)
class SavedPanel:
    """Where a saved result is shown, above the tabs; hidden until a link to one is opened."""

    panel: gr.Column
    body: gr.HTML
    own_copy: gr.Column
    picture: PictureInput
    checked: gr.HTML
    held: gr.Textbox

    def showing(self, body: str, fragment: str = "") -> dict[Any, Any]:
        """The changes that show this body; with a fragment, its result can be checked."""
        return {
            self.panel: gr.update(visible=True),
            self.body: body,
            self.own_copy: gr.update(visible=bool(fragment)),
            self.picture: None,
            self.checked: "",
            self.held: fragment,
        }


def saved_panel() -> SavedPanel:
    """Adds the place where a saved result is shown to the Blocks being built."""
    with gr.Column(visible=False, elem_id="saved") as panel:
        body = gr.HTML(css_template=prediction_rows.CSS)
        with gr.Column(visible=False) as own_copy, gr.Row():
            with gr.Column(min_width=280):
                picture = PictureInput(
                    label="Your own copy of the picture",
                    sources=["upload", "clipboard"],
                    format="png",
                    height=240,
                    buttons=[],
                    alt_text="Your own copy of the picture",
                )
            with gr.Column(min_width=300, scale=2):
                checked = gr.HTML(css_template=prediction_rows.CSS)
        close = gr.Button("Close", size="sm")
        held = gr.Textbox(visible=False)
    private: dict[str, Any] = {"api_visibility": "private"}
    uploaded = picture.input(shown(_again), [picture, held], checked, concurrency_id=QUEUE, **private)
    uploaded.success(shown(preview), picture, picture, show_progress="hidden", **private)
    uploaded.failure(lambda: (None, ""), None, [picture, checked], queue=False, **private)
    picture.clear(lambda: "", None, checked, queue=False, **private)
    close.click(lambda: gr.update(visible=False), None, panel, js=_CLOSE, queue=False, **private)
    return SavedPanel(panel, body, own_copy, picture, checked, held)


def opening(saved: SavedPanel, tabs: gr.Tabs, keys: Sequence[str], handles: Sequence[Handles], drawn: Sequence[Path]) -> None:
    """Lets links be opened: adds their event to the Blocks being built, for which ``WATCH`` presses a button that nobody sees.

    Args:
        saved: where results are shown.
        tabs: the row of all tabs.
        keys: their ids.
        handles: of the tabs that take a picture.
        drawn: the built-in examples.
    """
    by_key = {its.key: its for its in handles}
    _numbers.update({sha256(path): number for number, path in enumerate(drawn, 1)})

    def opened(fragment: str) -> dict[Any, Any]:
        try:
            found = codec.read(fragment, keys, len(drawn))
        except SkinModelError as error:
            return saved.showing(prediction_rows.block(prediction_rows.paragraph(f"This link cannot be opened. {error}"))) | {
                wanted: ""
            }
        if isinstance(found, codec.Result):
            return saved.showing(_body(found), fragment) | {wanted: ""}
        changes: dict[Any, Any] = {saved.panel: gr.update(visible=False), wanted: "", tabs: gr.update(selected=found.tab)}
        if found.tab in by_key:
            tab = by_key[found.tab]
            if found.model:
                changes[tab.models] = found.model
            if found.example:
                changes |= {tab.picture: str(drawn[found.example - 1]), wanted: found.tab}
        return changes

    fragment, wanted = gr.Textbox(visible=False), gr.Textbox(visible=False)
    parts = [part for its in handles for part in (its.picture, its.models)]
    outputs = [saved.panel, saved.body, saved.own_copy, saved.picture, saved.checked, saved.held, wanted, tabs, *parts]
    private: dict[str, Any] = {"api_visibility": "private"}
    button = gr.Button(visible="hidden", elem_id="open-link")
    event = button.click(shown(opened), fragment, outputs, js=_FRAGMENT, show_progress="hidden", queue=False, **private)
    for its in handles:
        inputs = [wanted, its.picture, its.models]
        # Otherwise a link opened while the one before is still on its way here would be dropped.
        last: dict[str, Any] = {"trigger_mode": "always_last", "concurrency_id": QUEUE}
        event.success(_where_wanted(its), inputs, list(its.outputs), **last, **private)


def _where_wanted(its: Handles) -> Callable[..., Iterator[Any]]:
    """The tab's answer where the link that was opened asks for it, else no change."""

    def answer(wanted: str, picture: Image.Image | None, models: Any) -> Iterator[Any]:
        if wanted != its.key:
            yield (gr.skip(),) * len(its.outputs)
        elif inspect.isgeneratorfunction(inspect.unwrap(its.answer)):
            yield from its.answer(picture, models)
        else:
            yield its.answer(picture, models)

    return answer


def _body(found: codec.Result) -> str:
    """A saved result as HTML."""
    notes = {its.name: " ".join(filter(None, (prediction_rows.blind(its.name), _weights_note(its)))) for its in found.answers}
    lines = [prediction_rows.Line(its.name, its.probabilities, note=notes[its.name]) for its in found.answers]
    thumbnail = ""
    if found.thumbnail:
        thumbnail = prediction_rows.picture(found.thumbnail, "Thumbnail of the picture, from the link")
    return prediction_rows.block(
        "<h2>Saved result</h2>",
        prediction_rows.paragraph(_SAVED),
        thumbnail,
        prediction_rows.paragraph(f"Picture: SHA-256 {found.picture}"),
        prediction_rows.table(lines, "Saved answers of the models"),
        prediction_rows.axis(lines),
        prediction_rows.paragraph(_OWN_COPY),
    )


def _weights_note(its: codec.Saved) -> str:
    try:
        same = weights.check(its.name).sha256.startswith(its.weights)
    except SkinModelError as error:
        return str(error)
    if same:
        return f"Weights {its.weights}: those of this page."
    return f"Weights {its.weights}: others than those of this page, which may answer otherwise."


def _again(picture: Image.Image | None, fragment: str) -> str:
    """The saved models' answers for one's own copy, beside the saved ones, as HTML."""
    found = codec.read(fragment, (), 0)
    if picture is None or not isinstance(found, codec.Result):
        raise SkinModelError("Expected your own copy of the picture of a saved result.")
    same = picture.info["sha256"] == found.picture
    now = [prediction_rows.line(answer) for answer in compare.answers([its.name for its in found.answers], picture)]
    return prediction_rows.block(
        f"<h2>Asked again</h2><p><strong>{'The same picture' if same else 'Not the same file'}.</strong> ",
        "Its SHA-256 is that of the link.</p>"
        if same
        else "Its SHA-256 is not that of the link: another picture, or the same one saved anew.</p>",
        prediction_rows.paragraph(_difference(found, now)),
        prediction_rows.table(now, "Answers of the models for your own copy"),
    )


def _difference(found: codec.Result, now: Sequence[prediction_rows.Line]) -> str:
    """How far the figures of now lie from those of the link, in a sentence."""
    gaps = [
        abs(share - line.probabilities[code])
        for saved, line in zip(found.answers, now, strict=True)
        if not line.error
        for code, share in saved.probabilities.items()
    ]
    if not gaps:
        return "None of the models could be asked."
    if max(gaps) < _SAME:
        return "All probabilities are those of the link."
    return f"The probabilities differ from those of the link by up to {max(gaps) * 100:.1f} percentage points."
