"""Compare Adam, RMSprop and SGD on the final network of paper 3, as its section on optimisers does.

Each trains the same random weights for as many steps on the same batches, at the learning rate of the recipe; the split, the
seed and everything else are the recipe's. Prints a table, and writes weights/NAME.optimisers.json and, under --out, a plot of
the curves. Figures are on validation: the test part is not opened. What was stopped goes on with the same command.
"""

from __future__ import annotations

import argparse
import datetime
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from skinmodels import record_text, weights
from skinmodels.errors import SkinModelError
from skinmodels.records import SCHEMA_VERSION, OptimiserComparison
from training.evaluation import plots
from training.fitting.recipes import Recipe, recipe_for
from training.fitting.runs import RunFolder, read_json
from training.train import PRECISIONS, train

EXAMPLE = "example: python -m training.optimisers --data melanoma_10k.zip"
NAME = "siim_cnn_v2"
# In the order of the paper. Momentum is SGD's alone.
OPTIMISERS = {"adam": "Adam", "rmsprop": "RMSprop", "sgd": "SGD"}
# Batches of 8: about 1,000 pictures an epoch, as many as the paper has.
STEPS = 125
EPOCHS = 3
METRICS = ("loss", "accuracy", "val_loss", "val_accuracy", "val_auc")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m training.optimisers", description=__doc__, epilog=EXAMPLE)
    parser.add_argument("--data", nargs="+", required=True, metavar="PATH", help="folders or .zip files of the data set")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help=f"of each (default: {EPOCHS})")
    parser.add_argument("--steps", type=int, default=STEPS, help=f"batches an epoch (default: {STEPS})")
    parser.add_argument("--precision", choices=PRECISIONS, default=PRECISIONS[0], help="of the computation")
    parser.add_argument("--out", default="runs/optimisers", metavar="DIR", help="where the runs are kept")
    given = parser.parse_args(arguments)
    try:
        runs = {
            name: compare(name, given.data, given.epochs, given.steps, given.precision, Path(given.out)) for name in OPTIMISERS
        }
        found = result(runs)
    except SkinModelError as error:
        print(error, file=sys.stderr)
        return 1
    weights.folder().mkdir(parents=True, exist_ok=True)
    record_text.write(weights.optimisers_path(NAME), found)
    histories = {its.title: its.history for its in found.optimisers.values()}
    plots.compared(histories, ("loss", "val_loss", "val_auc"), Path(given.out) / "optimisers.png")
    print(table(found))
    return 0


def recipe(optimiser: str) -> Recipe:
    """The network's recipe with that optimiser; pictures and rates the same for all, the rate constant."""
    its = recipe_for(NAME)
    momentum = its.momentum if optimiser == "sgd" else 0.0
    return replace(its, optimizer=optimiser, momentum=momentum, schedule="constant")


def compare(optimiser: str, data: Sequence[str], epochs: int, steps: int, precision: str, out: Path) -> RunFolder:
    """Train with that optimiser, or go on with it. Raises SkinModelError."""
    folder = RunFolder(out / optimiser)
    train(
        NAME,
        data,
        epochs=epochs,
        steps=steps,
        out=str(folder.path),
        resume=folder.begun(),
        recipe=recipe(optimiser),
        precision=precision,
    )
    return folder


def result(runs: Mapping[str, RunFolder]) -> OptimiserComparison:
    """What is kept of the comparison."""
    configs = {name: read_json(run.config) for name, run in runs.items()}
    config = next(iter(configs.values()))
    first, precision = config["recipe"], config.get("precision", PRECISIONS[0])
    command = f"python -m training.optimisers --data {' '.join(config['data'])}"
    for option, value, usual in (("epochs", first["epochs"], EPOCHS), ("steps", first["steps"], STEPS)):
        command += f" --{option} {value}" if value != usual else ""
    command += f" --precision {precision}" if precision != PRECISIONS[0] else ""
    content = {
        "schema_version": SCHEMA_VERSION,
        "name": NAME,
        "command": command,
        "seed": config["seed"],
        "split": config["split"],
        "learning_rate": first["learning_rate"],
        "momentum": {name: config["recipe"]["momentum"] for name, config in configs.items()},
        "batch_size": first["batch_size"],
        "steps": first["steps"],
        "epochs": first["epochs"],
        "precision": precision,
        "versions": config["versions"],
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "optimisers": {
            name: {"title": OPTIMISERS[name], "history": [_rounded(row) for row in run.state().history]}
            for name, run in runs.items()
        },
    }
    return record_text.of(OptimiserComparison, content)


def _rounded(row: Mapping[str, float]) -> dict:
    return {"epoch": row["epoch"], **{metric: round(row[metric], 6) for metric in METRICS}}


def table(found: OptimiserComparison) -> str:
    """The figures after the last epoch, as text."""
    lines = [f"{'':8} " + " ".join(f"{metric:>12}" for metric in METRICS)]
    for its in found.optimisers.values():
        lines.append(f"{its.title:8} " + " ".join(f"{its.history[-1][metric]:12.4f}" for metric in METRICS))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
