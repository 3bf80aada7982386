"""Write the tables of README.md from the records in weights/.

Reads README.md and weights/*.json; rewrites what stands between the markers, and nothing else.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from skinmodels import weights
from skinmodels.errors import SkinModelError
from skinmodels.registry import MODELS
from skinmodels.spec import ModelSpec

README = Path(__file__).resolve().parent.parent / "README.md"
BEGIN, END = "<!-- models: begin, written by python -m training.tables -->", "<!-- models: end -->"


def models_table() -> str:
    """Claim beside measured, a row a model, as Markdown."""
    head = "| model | paper claims | accuracy | balanced accuracy | ROC-AUC | test pictures | parameters | file |"
    lines = [head, "|---|---|---|---|---|---|---|---|"]
    lines += [_row(spec, weights.read_record(name)) for name, spec in MODELS.items()]
    return "\n".join(lines)


def split_table() -> str:
    """The same network on lesions never seen and on the paper's kind of split, where both were trained."""
    lines = ["| model | split | accuracy | balanced accuracy | ROC-AUC |", "|---|---|---|---|---|"]
    for name in MODELS:
        record = weights.read_record(name)
        if "test_random_split" in record:
            lines.append(f"| `{name}` | lesions apart | {_figures(record['test'])} |")
            lines.append(f"| | pictures at random, as in the paper | {_figures(record['test_random_split'])} |")
    return "\n".join(lines)


def _row(spec: ModelSpec, record: dict) -> str:
    claims = "<br>".join(f"{claim.metric} {claim.value:.2%}, {claim.where}" for claim in spec.claims) or "no figure printed"
    test = record["test"]
    reduced = " (reduced schedule)" if record["training"]["schedule"] == "reduced" else ""
    cells = [
        f"`{spec.name}`{reduced}",
        claims,
        _figures(test),
        f"{test['n']}",
        f"{record['params']:,}",
        f"{record['file_bytes'] / 1e6:.1f} MB",
    ]
    return f"| {' | '.join(cells)} |"


def _figures(block: dict) -> str:
    def figure(metric: str) -> str:
        low, high = block["intervals"][metric]
        return f"{block[metric]:.3f} ({low:.3f} to {high:.3f})"

    return " | ".join(figure(metric) for metric in ("accuracy", "balanced_accuracy", "macro_auc"))


def updated(text: str) -> str:
    """README text with fresh tables. Raises SkinModelError where the markers are missing."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SkinModelError(f"Expected the markers {BEGIN} and {END} in README.md. Received: a text without them")
    return f"{before}{begin}\n\n{models_table()}\n\n{SPLIT_TEXT}\n\n{split_table()}\n\n{end}{after}"


SPLIT_TEXT = (
    "Figures in brackets are 95 % bootstrap intervals, by lesion where the set has lesion ids. What it is worth to have other "
    "pictures of the same lesion in the training part:"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line. Returns the exit status."""
    example = "example: python -m training.tables"
    argparse.ArgumentParser(prog="python -m training.tables", description=__doc__, epilog=example).parse_args(arguments)
    try:
        text = updated(README.read_text(encoding="utf-8"))
    except SkinModelError as error:
        print(error, file=sys.stderr)
        return 1
    beside = README.with_suffix(".tmp")
    beside.write_text(text, encoding="utf-8")
    beside.replace(README)
    return 0


if __name__ == "__main__":
    sys.exit(main())
