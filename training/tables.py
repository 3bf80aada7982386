"""Write the tables of README.md and docs/results.md from the records in weights/ and the audit's counts.

Reads both, weights/*.json and training/data/audit.json; rewrites what stands between the markers, and nothing else.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from skinmodels import weights
from skinmodels.errors import SkinModelError
from skinmodels.measured import Block
from skinmodels.records import Record
from skinmodels.registry import MODELS
from skinmodels.report.numbers import figure, megabytes
from skinmodels.report.words import HEADLINE, metric
from skinmodels.spec import ModelSpec
from training.baselines import BASELINES
from training.data import datasets, lesions
from training.fitting.runs import write_text

ROOT = Path(__file__).resolve().parent.parent
README, RESULTS = ROOT / "README.md", ROOT / "docs" / "results.md"
SUMMARY_MARKS = ("<!-- summary: begin, written by python -m training.tables -->", "<!-- summary: end -->")
MODELS_MARKS = ("<!-- models: begin, written by python -m training.tables -->", "<!-- models: end -->")
SPEED_MARKS = ("<!-- speed: begin, written by python -m training.tables -->", "<!-- speed: end -->")
AUDIT_MARKS = ("<!-- audit: begin, written by python -m training.tables -->", "<!-- audit: end -->")
_HEADLINE = " | ".join(map(metric, HEADLINE))


def summary_table() -> str:
    """One row a model: what its paper claims beside what was measured on the cleanest test pictures, as Markdown."""
    lines = [
        f"| model | its paper claims | {_HEADLINE} | test pictures |",
        "|---|---|---|---|---|---|",
    ]
    for name, spec in MODELS.items():
        record = weights.read_record(name)
        block = record.test_clean or record.held_out
        claim = f"{metric(spec.claims[0].metric)} {spec.claims[0].value:.1%}" if spec.claims else _no_claim(spec)
        lines.append(f"| `{name}`{_reduced(record)} | {claim} | {_figures(block)} | {block.n:,} |")
    return "\n".join(lines)


def _no_claim(spec: ModelSpec) -> str:
    return "no figure printed" if spec.paper else "ours: none"


def _reduced(record: Record) -> str:
    return " (reduced schedule)" if record.training.schedule == "reduced" else ""


def models_table() -> str:
    """Claim beside measured, on the whole test part and, where it was measured, on the clean one below it, as Markdown."""
    head = f"| model | paper claims | test pictures | {_HEADLINE} | {metric('ece')} | parameters | file |"
    lines = [head, "|---|---|---|---|---|---|---|---|---|"]
    for name, spec in MODELS.items():
        lines += _rows(spec, weights.read_record(name))
    for record in weights.baselines():
        lines += _rows(BASELINES[record.name].spec, record)
    return "\n".join(lines)


def split_table() -> str:
    """The same network on lesions never seen and on the paper's kind of split, where both were trained."""
    lines = [f"| model | split | {_HEADLINE} |", "|---|---|---|---|---|"]
    for name in MODELS:
        record = weights.read_record(name)
        if record.test_random_split:
            lines.append(f"| `{name}` | lesions apart | {_figures(record.held_out)} |")
            lines.append(f"| | pictures at random, as in the paper | {_figures(record.test_random_split)} |")
    return "\n".join(lines)


def speed_table() -> str:
    """The median time of a prediction beside that of the bare compiled call, as ``training.latency`` took them."""
    lines = ["| model | a prediction | bare compiled call | ratio |", "|---|---|---|---|"]
    for name in MODELS:
        if took := weights.read_record(name).latency:
            whole, bare = took.p50_ms, took.compiled_ms
            lines.append(f"| `{name}` | {whole:.1f} ms | {bare:.1f} ms | {whole / bare:.2f} |")
    return "\n".join(lines)


def _rows(spec: ModelSpec, record: Record) -> list[str]:
    claims = "<br>".join(f"{metric(claim.metric)} {claim.value:.2%}, {claim.where}" for claim in spec.claims)
    claims = claims or _no_claim(spec)
    test, clean = record.held_out, record.test_clean
    cells = [
        f"`{record.name}`{_reduced(record)}",
        claims,
        f"{test.n:,}",
        _figures(test),
        _calibration(record),
        f"{record.params:,}" if record.params is not None else "",
        megabytes(record.file_bytes) if record.file_bytes is not None else "not served",
    ]
    lines = [f"| {' | '.join(cells)} |"]
    if clean:
        lines.append(f"| | | clean: {clean.n:,} | {_figures(clean)} | | | |")
    return lines


def _calibration(record: Record) -> str:
    """The expected calibration error on the whole test part, before and after temperature scaling."""
    fitted = record.calibration
    return f"{figure(fitted.before.ece)}, scaled {figure(fitted.after.ece)}" if fitted else figure(record.held_out.ece)


def _figures(block: Block) -> str:
    return " | ".join(figure(block.value(name), block.interval(name)) for name in HEADLINE)


def audit_table(report: dict | None = None) -> str:
    """How many pictures of each test part models of each set know, as Markdown.

    Args:
        report: as ``training.audit`` writes it; the committed one unless given.
    """
    rows = (report or json.loads(lesions.PAIRS.with_name("audit.json").read_text(encoding="utf-8")))["shared"]
    counts: dict[tuple[str, str], dict[tuple[str, str], str]] = {}
    sizes: dict[tuple[str, str], int] = {}
    for row in rows:
        if row["part"] == "test":
            key, other = (row["set"], row["split"]), (row["against"]["set"], row["against"]["split"])
            sizes[key] = row["n"]
            # Training alone comes first; where a set has validation too, that row follows and counts.
            counts.setdefault(key, {})[other] = f"{row['either']:,}"
    others = list(dict.fromkeys(other for its in counts.values() for other in its))
    lines = [f"| test part of | pictures | {' | '.join(map(_split_words, others))} |", f"|{'---|' * (len(others) + 2)}"]
    for key, its in counts.items():
        lines.append(f"| {_split_words(key)} | {sizes[key]:,} | {' | '.join(its.get(other, '') for other in others)} |")
    return "\n".join(lines)


def _split_words(split: tuple[str, str]) -> str:
    key, kind = split
    title = datasets.TITLES[key].removeprefix("Kaggle, ").partition(" (")[0]
    return f"{title}, pictures at random" if kind == "random" else title


def updated(file: Path) -> str:
    """The text of ``README`` or ``RESULTS`` with fresh tables. Raises SkinModelError where the markers are missing."""
    text = file.read_text(encoding="utf-8")
    if file == README:
        return _between(text, SUMMARY_MARKS, summary_table(), file.name)
    text = _between(text, MODELS_MARKS, f"{models_table()}\n\n{SPLIT_TEXT}\n\n{split_table()}", file.name)
    text = _between(text, SPEED_MARKS, speed_table(), file.name)
    return _between(text, AUDIT_MARKS, audit_table(), file.name)


def _between(text: str, marks: tuple[str, str], written: str, name: str) -> str:
    before, begin, rest = text.partition(marks[0])
    _, end, after = rest.partition(marks[1])
    if not begin or not end:
        raise SkinModelError(f"Expected the markers {marks[0]} and {marks[1]} in {name}. Received: a text without them")
    return f"{before}{begin}\n\n{written}\n\n{end}{after}"


SPLIT_TEXT = (
    "Figures in brackets are 95 % bootstrap intervals, by lesion where the set has lesion ids. *Clean*: without every picture "
    "that shares a lesion or a near-duplicate with the model's own training or validation. ECE: expected calibration error of "
    "the top label in 15 bins, *scaled* with the temperature that serving applies. What it is worth to have other pictures of "
    "the same lesion in the training part:"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line. Returns the exit status."""
    example = "example: python -m training.tables"
    argparse.ArgumentParser(prog="python -m training.tables", description=__doc__, epilog=example).parse_args(arguments)
    try:
        written = {file: updated(file) for file in (README, RESULTS)}
    except SkinModelError as error:
        print(error, file=sys.stderr)
        return 1
    for file, text in written.items():
        write_text(file, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
