"""The whole page, and how it is to be launched."""

from __future__ import annotations

import tempfile
from pathlib import Path

import gradio as gr

from skinmodels import examples
from skinmodels.registry import MODELS
from skinmodels.sources import DATASETS
from skinmodels.ui import ending, sessions, texts
from skinmodels.ui.calls import AnsweringBlocks
from skinmodels.ui.components import permalinks
from skinmodels.ui.tabs.batch import batch_tab
from skinmodels.ui.tabs.classify import tab
from skinmodels.ui.tabs.compare import compare_tab
from skinmodels.ui.tabs.models import models_tab

# Two CPU cores: a network's call keeps both busy for some milliseconds, reading a large photograph keeps one busy for
# longer. Two at a time let one picture be read while the other is classified; more would only take turns.
CONCURRENT = 2
# Who would wait longer than this many people is told so at once.
MOST_WAITING = 32

# Seconds: how often files are looked through, and how old one gets. Long enough to try a picture on several models.
DELETE_CACHE = (300, 1800)

# For screen readers: announce what comes into the result line, and give the example thumbnails names. Tabs are drawn
# when they are first opened, so it looks again whenever the page changes.
_NAMES_FOR_SCREEN_READERS = """() => {
  const name = () => {
    document.querySelectorAll('[id^=done-]:not([aria-live])').forEach((region) => region.setAttribute('aria-live', 'polite'));
    document.querySelectorAll('.gallery').forEach((gallery) => {
      const title = gallery.parentElement.querySelector('.label')?.innerText.trim() ?? 'Example';
      gallery.querySelectorAll('.gallery-item:not([aria-label])').forEach((item, i) => {
        item.setAttribute('aria-label', `${title}: ${i + 1}`);
      });
    });
  };
  name();
  new MutationObserver(name).observe(document.body, { childList: true, subtree: true });
}"""


def build() -> gr.Blocks:
    """The page with a tab for every data set that has models. Loads no model and imports no keras."""
    folder = tempfile.TemporaryDirectory(prefix="skinmodels-")
    ending.removes(Path(folder.name))
    drawn, real = examples.write_drawn(Path(folder.name)), examples.real()
    with AnsweringBlocks(title=texts.TITLE, analytics_enabled=False) as demo:
        gr.Markdown(texts.HEADER)
        saved = permalinks.saved_panel()
        with gr.Tabs(overflow_behavior="wrap") as tabs:
            served = [its for its in DATASETS.values() if any(spec.dataset is its for spec in MODELS.values())]
            handles = [tab(dataset, drawn, real) for dataset in served]
            handles.append(compare_tab(drawn, real))
            batch_tab()
            models_tab()
        gr.Markdown(texts.footer())
        permalinks.opening(saved, tabs, [*(its.key for its in handles), "batch", "models"], handles, drawn)
        demo.load(None, js=permalinks.WATCH, api_visibility="private")
        demo.load(None, js=_NAMES_FOR_SCREEN_READERS, api_visibility="private")
    # The drawn examples are deleted with the page.
    demo.drawn_examples = folder  # type: ignore[attr-defined]
    demo.queue(default_concurrency_limit=CONCURRENT, max_size=MOST_WAITING)
    sessions.end_with_their_calls(demo)
    return demo
