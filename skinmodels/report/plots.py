"""Plots of a record, drawn when asked for, as SVG that takes the page's text colour and font.

Matplotlib is imported with the first plot, so that the page itself never waits for it.
"""

from __future__ import annotations

import html
import io
import re
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from skinmodels.measured import Bin, Curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Mid-tones, each with a contrast of at least 3 to 1 both on white and on the dark page.
COLOURS = ("#3b7dd8", "#d2691e", "#2a9654", "#dc4a4a", "#9061d6", "#1a8fa0", "#c9509b", "#85851f", "#7c7c86")
# Colour alone tells no line from another.
_DASHES = ("-", "--", "-.", ":")

# Stands for the page's text colour while matplotlib draws.
_TEXT = "#010203"

# Width and height in points: about as wide as a phone shows it, so that the letters stay legible there.
_WIDTH, _HEIGHT = 320, 280

# Matplotlib's settings belong to the whole process.
_drawing = threading.Lock()


def training_curve(history: Sequence[Mapping[str, float]], metric: str, chosen: int | None = None) -> str:
    """One metric over the epochs, training and validation.

    Args:
        history: a row an epoch with ``epoch``, the metric, and ``val_`` before it.
        metric: key in the rows, such as ``loss`` or ``accuracy``.
        chosen: epoch whose weights were kept.

    Returns:
        The plot as an ``<svg>`` element with a text alternative.
    """
    epochs = [row["epoch"] for row in history]
    sides = {"training": [row[metric] for row in history], "validation": [row[f"val_{metric}"] for row in history]}

    def draw(axes: Axes) -> None:
        for i, (label, values) in enumerate(sides.items()):
            axes.plot(
                epochs, values, color=COLOURS[i], linestyle=_DASHES[i], label=label, marker="." if len(epochs) < 2 else ""
            )
        if chosen:
            axes.axvline(chosen, color=_TEXT, alpha=0.5, linewidth=1, linestyle=":", label=f"kept: epoch {chosen}")
        axes.set(xlabel="epoch", ylabel=metric)
        axes.locator_params(axis="x", integer=True)

    words = "; ".join(f"{label} {values[0]:.3f} to {values[-1]:.3f}" for label, values in sides.items())
    return _svg(draw, f"{metric.capitalize()} over {len(epochs)} epochs: {words}")


def compared_curves(histories: Mapping[str, Sequence[Mapping[str, float]]], metric: str, label: str) -> str:
    """One metric over the epochs, a line for each history, as ``<svg>``.

    Args:
        histories: rows with ``epoch`` and the metric, by what the legend says.
        metric: key in the rows.
        label: what it is called.
    """

    def draw(axes: Axes) -> None:
        for i, (name, history) in enumerate(histories.items()):
            epochs, values = ([row[key] for row in history] for key in ("epoch", metric))
            axes.plot(epochs, values, color=COLOURS[i], linestyle=_DASHES[i], marker="os^"[i % 3], markersize=4, label=name)
        axes.set(xlabel="epoch", ylabel=label)
        axes.locator_params(axis="x", integer=True)

    words = "; ".join(f"{name} {its[0][metric]:.3f} to {its[-1][metric]:.3f}" for name, its in histories.items())
    return _svg(draw, f"{label} over the epochs: {words}")


def roc(curves: Mapping[str, Curve], names: Mapping[str, str]) -> str:
    """ROC curves, one class against the rest, as ``<svg>``.

    Args:
        curves: by class code.
        names: what the legend says, by class code.
    """

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=_TEXT, alpha=0.5, linewidth=1, linestyle=":", label="chance")
        for i, (code, curve) in enumerate(curves.items()):
            colour, dash = COLOURS[i % len(COLOURS)], _DASHES[i % len(_DASHES)]
            axes.plot(curve.fpr, curve.tpr, color=colour, linestyle=dash, label=names[code])
        axes.set(xlabel="false positive rate", ylabel="true positive rate")
        _share_axes(axes)

    return _svg(draw, f"ROC curves, each against the rest: {', '.join(names[code] for code in curves)}")


def reliability(diagrams: Mapping[str, Sequence[Bin]]) -> str:
    """Reliability diagrams: how often the top label was right, over its probability, as ``<svg>``.

    Args:
        diagrams: bins by what they are called.
    """
    filled = {name: [_point(row) for row in bins if row.n] for name, bins in diagrams.items()}

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=_TEXT, alpha=0.5, linewidth=1, linestyle=":", label="perfect")
        for i, (name, points) in enumerate(filled.items()):
            sides = [[point[side] for point in points] for side in (0, 1)]
            axes.plot(*sides, color=COLOURS[i], linestyle=_DASHES[i], marker="os"[i % 2], markersize=4, label=name)
        axes.set(xlabel="probability of the top label", ylabel="share that was right")
        _share_axes(axes)

    words = "; ".join(f"{name}, {len(bins)} bins: {_gaps(bins)}" for name, bins in filled.items())
    return _svg(draw, f"Reliability diagram: {words}")


def _point(row: Bin) -> tuple[float, float]:
    """Mean confidence and accuracy, 0..1."""
    return row.confidence or 0.0, row.accuracy or 0.0


def _gaps(points: Sequence[tuple[float, float]]) -> str:
    """What the largest distance from the diagonal is, in words."""
    if not points:
        return "none filled"
    confidence, accuracy = max(points, key=lambda point: abs(point[1] - point[0]))
    return f"farthest from it at {confidence:.2f}, where {accuracy:.2f} were right"


def _share_axes(axes: Axes) -> None:
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xticks=(0, 0.25, 0.5, 0.75, 1), yticks=(0, 0.25, 0.5, 0.75, 1))


def _svg(draw: Any, words: str) -> str:
    """The axes that ``draw`` fills, as an ``<svg>`` element that scales with the page and says ``words`` to screen readers."""
    with _drawing:
        import matplotlib
        from matplotlib.figure import Figure

        with matplotlib.rc_context({"svg.fonttype": "none", "font.size": 11}):
            figure = Figure(figsize=(_WIDTH / 72, _HEIGHT / 72), layout="constrained")
            axes = figure.subplots()
            draw(axes)
            _in_text_colour(axes)
            _legend(axes, figure)
            buffer = io.StringIO()
            figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    return _embedded(buffer.getvalue(), words)


def _in_text_colour(axes: Axes) -> None:
    axes.tick_params(colors=_TEXT)
    axes.grid(color=_TEXT, alpha=0.12)
    axes.xaxis.label.set_color(_TEXT)
    axes.yaxis.label.set_color(_TEXT)
    for name, spine in axes.spines.items():
        spine.set_color(_TEXT)
        spine.set_visible(name in ("left", "bottom"))


def _legend(axes: Axes, figure: Figure) -> None:
    """Under the axes, where it covers no line."""
    handles, names = axes.get_legend_handles_labels()
    columns = 3 if max(map(len, names)) < 14 else 2
    figure.legend(handles, names, loc="outside lower center", ncols=columns, frameon=False, labelcolor=_TEXT, fontsize=10)


def _embedded(drawn: str, words: str) -> str:
    """Matplotlib's file as an element of a page: no XML header, no fixed size, page's colour, text alternative.

    Its style element would hold for the whole page, and its groups' ids would stand there once a plot.
    """
    body = drawn[drawn.index("<svg") :].replace(_TEXT, "currentColor")
    body = re.sub(r"<(metadata|style)\b.*?</\1>", "", body, flags=re.DOTALL)
    body = re.sub(r'<g id="[^"]*"', "<g", body)
    tag, rest = body.split(">", 1)
    tag = re.sub(r'\s(width|height)="[^"]*"', "", tag)
    return f'{tag} role="img" aria-label="{html.escape(words)}">{rest}'
