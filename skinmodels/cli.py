"""The command line: ``python -m skinmodels models``, ``predict`` and ``batch``."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

from tqdm import tqdm

from skinmodels import weights
from skinmodels.batch import engine, engine_ray, figures, rows
from skinmodels.batch.picture_files import PictureFile, found, shown
from skinmodels.batch.result_file import Results, read
from skinmodels.batch.rows import Row
from skinmodels.errors import SkinModelError
from skinmodels.registry import MODELS
from skinmodels.report.numbers import figure
from skinmodels.report.words import HEADLINE, RATES, metric

# What a shell gives for a program ended by Ctrl-C.
_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command. Returns the exit code: 0; 1 for what a person can put right, said in one sentence; 130 for Ctrl-C."""
    options = _parser().parse_args(arguments)
    # Its notices, of which there is one on batches of several sizes, are not for whoever reads the answers.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    try:
        return options.run(options)
    except SkinModelError as error:
        print(error, file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Whoever read along has had enough; what is still buffered has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return _INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m skinmodels",
        description="Skin-lesion classifiers from published papers. Research only, never a diagnosis.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    models = commands.add_parser("models", help="list the models", description="Lists the models.")
    models.add_argument("--json", action="store_true", help="as a JSON array")
    models.set_defaults(run=_models)

    predict = commands.add_parser(
        "predict", help="classify pictures", description="Classifies pictures and prints the answers."
    )
    predict.add_argument("pictures", nargs="+", metavar="PICTURE", help="picture file")
    _add_models(predict)
    form = predict.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_const", dest="form", const=".json", help="as a JSON array of rows")
    form.add_argument("--csv", action="store_const", dest="form", const=".csv", help="as CSV")
    predict.set_defaults(run=_predict)

    many = commands.add_parser(
        "batch",
        help="classify any number of pictures into a file",
        description="Classifies any number of pictures and writes a row for each picture and model. Started again with the "
        "same options, it goes on where it stopped; pictures that have their rows, with an error too, are passed over.",
    )
    many.add_argument("sources", nargs="+", metavar="DIR", help="folder, .zip archive or picture file")
    many.add_argument("--out", type=Path, required=True, metavar="FILE", help="file to write: .csv, .json or .jsonl")
    _add_models(many)
    many.add_argument("--labels", type=Path, metavar="CSV", help="columns file and label: also measures the models")
    many.add_argument("--engine", choices=("plain", "ray"), default="plain", help="this process, or workers of Ray")
    many.add_argument(
        "--batch-size", type=_positive, default=engine.BATCH_SIZE, metavar="N", help="pictures in a call (%(default)s)"
    )
    many.add_argument(
        "--workers", type=_positive, metavar="N", help="threads, or Ray's processes (one more than processors; 2)"
    )
    many.set_defaults(run=_batch)
    return parser


def _add_models(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model", nargs="+", action="extend", metavar="NAME", help=f"models to ask (all): {', '.join(MODELS)}", dest="models"
    )


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1. Received: {text}")
    return int(text)


def _models(options: argparse.Namespace) -> int:
    described = [_described(name) for name in MODELS]
    if options.json:
        print(json.dumps(described, ensure_ascii=False, indent=2))
        return 0
    table = [["name", "title", "labels", "input", *map(metric, HEADLINE), "on"]]
    for its in described:
        test = its["test"] or {}
        shares = [figure(test.get(key), nothing="") for key in HEADLINE]
        on = its["error"] or f"{test.get('n', 0)} test pictures"
        table.append([its["name"], its["title"], " ".join(its["labels"]), "x".join(map(str, its["input"])), *shares, on])
    _print_table(table)
    return 0


def _described(name: str) -> dict[str, Any]:
    spec = MODELS[name]
    described: dict[str, Any] = {
        "name": name,
        "title": spec.title,
        "labels": list(spec.labels),
        "input": [*spec.preprocessing.size, 3],
        "dataset": spec.dataset.title,
        "paper": spec.paper.citation if spec.paper else None,
        "params": spec.params,
        "weights_sha256": None,
        "test": None,
        "error": "",
    }
    try:
        record = weights.check(name)
    except SkinModelError as error:
        return described | {"error": str(error)}
    keys = ("n", *HEADLINE, *RATES)
    test = record.test.model_dump(include=set(keys), exclude_unset=True) if record.test else {}
    return described | {"weights_sha256": record.sha256, "test": {key: test[key] for key in keys if key in test}}


def _predict(options: argparse.Namespace) -> int:
    models = engine.check(options.models or MODELS)
    # There or not: what is wrong with a file becomes its row's error.
    files = [PictureFile(shown(name), name) for name in options.pictures]
    answers = list(engine.rows(files, models))
    if options.form:
        for piece in rows.text(answers, [name for name, _ in models], options.form):
            print(piece, end="")
    else:
        _print_answers(answers)
    return 1 if any(row.error for row in answers) else 0


def _print_answers(answers: Sequence[Row]) -> None:
    for file, its in groupby(answers, key=lambda row: row.file):
        listed = list(its)
        if listed[0].error:
            print(listed[0].error, file=sys.stderr)
            continue
        print(file)
        table = []
        for row in listed:
            shares = sorted(row.probabilities.items(), key=lambda item: -item[1])
            said = ", ".join(f"{code} {share:.3f}" for code, share in shares)
            table.append([f"  {row.model}", said, f"malignancy {row.malignancy:.3f}"])
        _print_table(table)


def _print_table(table: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for line in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _batch(options: argparse.Namespace) -> int:
    models = engine.check(options.models or MODELS)
    labels = figures.Labels(options.labels) if options.labels else None
    progress = _Progress()
    try:
        with Results(options.out, models) as results:
            if results.done:
                print(f"{options.out.name} has the rows of {len(results.done)} pictures already.", file=sys.stderr)
            files = (file for file in found(options.sources, progress.pass_over) if file.name not in results.done)
            settings = {"batch_size": options.batch_size} | ({"workers": options.workers} if options.workers else {})
            run = engine_ray.rows if options.engine == "ray" else engine.rows
            with closing(run(files, models, **settings)) as answers:
                for _, its in groupby(answers, key=lambda row: row.file):
                    written = list(its)
                    results.write(written)
                    progress.count(bad=bool(written[0].error))
    except KeyboardInterrupt:
        progress.close()
        print(f"\nStopped. The same command goes on from here: {options.out.name} is in order.", file=sys.stderr)
        return _INTERRUPTED
    progress.end()
    if labels:
        _print_figures(figures.figures(read(options.out), [name for name, _ in models], labels), options.out)
    return 0


class _Progress:
    """How far a batch is: a line on standard error that changes, on a terminal alone, and one at the end."""

    def __init__(self) -> None:
        self.pictures = self.bad = self.passed_over = 0
        self.example = ""
        self._began = time.monotonic()
        # Where standard error is no terminal, None leaves the line out.
        self._line = tqdm(unit=" pictures", file=sys.stderr, disable=None, leave=False, mininterval=0.5)

    def count(self, bad: bool) -> None:
        self.pictures += 1
        self.bad += bad
        if bad:
            self._line.set_postfix_str(f"{self.bad} could not be read", refresh=False)
        self._line.update()

    def pass_over(self, name: str) -> None:
        self.passed_over += 1
        self.example = self.example or name

    def close(self) -> None:
        """Takes the line off the terminal."""
        self._line.close()

    def end(self) -> None:
        self.close()
        bad = f", {self.bad} could not be read" if self.bad else ""
        rate = self.pictures / max(time.monotonic() - self._began, 1e-9)
        print(f"{self.pictures} pictures{bad}, {rate:.1f} a second", file=sys.stderr)
        if self.passed_over:
            print(f"Passed over for their endings: {self.passed_over} files, such as {self.example}.", file=sys.stderr)


def _print_figures(measured: Sequence[figures.Figures], out: Path) -> None:
    """Prints the figures, and writes them beside the rows as ``<name>.figures.json``."""
    for its in measured:
        print(f"\n{its.model}, {its.n} pictures with a label it knows")
        shares = zip(HEADLINE, (its.accuracy, its.balanced_accuracy, its.auc), strict=True)
        _print_table([[f"  {metric(name)}", figure(share, digits=4, nothing="none")] for name, share in shares])
        if its.n:
            print("  confusion matrix, true labels as rows")
            lines = zip(its.labels, its.confusion_matrix, strict=True)
            _print_table([["", *its.labels], *([f"    {label}", *map(str, counts)] for label, counts in lines)])
        for sentence in figures.lines(its):
            print(f"  {sentence}")
    path = out.with_name(f"{out.stem}.figures.json")
    beside = path.with_name(f"{path.name}.part")
    beside.write_text(json.dumps([asdict(its) for its in measured], indent=2) + "\n", encoding="utf-8")
    beside.replace(path)
    print(f"\nWritten to {path.name}, too.")
