"""How figures and their intervals are written, wherever people read them."""

from __future__ import annotations

from collections.abc import Sequence

# What is shown where a figure could not be computed, as in a subgroup with too few pictures.
NOTHING = "\N{EN DASH}"


def figure(value: float | None, interval: Sequence[float] | None = None, digits: int = 3, nothing: str = NOTHING) -> str:
    """A figure with its 95 % interval where there is one: ``0.832 (0.803 to 0.859)``."""
    if value is None:
        return nothing
    return f"{value:.{digits}f} ({between(interval, digits)})" if interval else f"{value:.{digits}f}"


def between(interval: Sequence[float] | None, digits: int = 3, nothing: str = NOTHING) -> str:
    """An interval or a band by itself: ``0.803 to 0.859``."""
    return f"{interval[0]:.{digits}f} to {interval[1]:.{digits}f}" if interval else nothing


def megabytes(size: int) -> str:
    """The size of a file: ``6.6 MB``."""
    return f"{size / 1e6:.1f} MB"
