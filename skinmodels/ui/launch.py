"""What ``demo.launch`` is told. Needs nothing but gradio, so that other pages can be served in the same way."""

from __future__ import annotations

from typing import Any

import gradio as gr

_CSS = """
.seen img { image-rendering: pixelated; }
.notice { border-left: 4px solid var(--body-text-color-subdued); padding-left: 12px; }
[id^=done-], .facts { overflow-wrap: break-word; }
.facts td, .facts th { border-color: var(--border-color-primary) !important; padding: 4px 10px !important; }
.facts th { overflow-wrap: normal !important; word-break: normal !important; }
.facts td + td { white-space: nowrap; }
.figures td { white-space: nowrap; }
.form:has(> .link :placeholder-shown) { display: none !important; }
.share { align-items: stretch; }
#saved { border: 1px solid var(--border-color-primary); border-radius: 8px; padding: 12px; margin-bottom: 16px; }
progress { appearance: none; display: block; width: 100%; height: 10px; margin: 6px 0; border: 0; overflow: hidden;
  border-radius: 5px; background: var(--border-color-primary); }
progress::-webkit-progress-bar { background: var(--border-color-primary); }
progress::-webkit-progress-value { background: var(--primary-500); }
progress::-moz-progress-bar { background: var(--primary-500); }
footer .divider { display: none; }
:focus-visible { outline: 2px solid var(--primary-500) !important; outline-offset: 2px; }
"""

LAUNCH: dict[str, Any] = {
    "theme": gr.themes.Default(primary_hue="blue", secondary_hue="blue", neutral_hue="slate", font=["system-ui", "sans-serif"]),
    "css": _CSS,
    "max_file_size": "20mb",
    "run_history": False,
    "enable_monitoring": False,
    "footer_links": ["api"],
    "ssr_mode": False,
    "show_error": False,
    "mcp_server": True,
    # Of pages; a session each, with a copy of the page's configuration.
    "state_session_capacity": 1000,
}
