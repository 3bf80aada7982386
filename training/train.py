"""Train one network.

Reads the data set in its public layout, from folders or .zip files. Writes into the run's folder: config.json, split.csv,
the last and best weights, history.csv, accuracy.png, loss.png, confusion_validation.png and metrics.json. The test part of
the split is never opened.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from skinmodels.errors import SkinModelError
from skinmodels.registry import model_spec
from skinmodels.spec import ModelSpec
from training.data import datasets, splits
from training.data.pixels import decode
from training.evaluation import plots
from training.fitting.fit import Part, at_side, fit, of_member
from training.fitting.recipes import IMAGENET, RECIPES, Recipe, recipe_for
from training.fitting.runs import FIRST, RunFolder, versions, write_json

# bfloat16 is twice as fast as float32 where the processor knows it.
PRECISIONS = ("float32", "mixed_bfloat16")
EXAMPLE = "example: python -m training.train ham_cnn28 --data HAM10000.zip --out runs/ham_cnn28"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m training.train", description=__doc__, epilog=EXAMPLE)
    parser.add_argument("name", metavar="NAME", help=f"one of {', '.join(RECIPES)}")
    parser.add_argument("--data", nargs="+", required=True, metavar="PATH", help="folders or .zip files of the data set")
    parser.add_argument("--epochs", type=int, help="instead of the recipe's")
    parser.add_argument("--steps", type=int, help="batches an epoch, instead of the recipe's")
    parser.add_argument(
        "--seed", type=int, default=0, help="of the weights, the order and the augmentation; the split has seed 0"
    )
    parser.add_argument("--split", choices=splits.KINDS, help="kind of split (default: the data set's own or by lesion)")
    parser.add_argument("--out", help="the run's folder (default: runs/NAME-SPLIT-seedN)")
    parser.add_argument("--resume", action="store_true", help="go on with the run in that folder")
    parser.add_argument("--start", metavar="FILE", help="ImageNet weights to start from (default: Keras's, downloaded)")
    parser.add_argument("--precision", choices=PRECISIONS, default=PRECISIONS[0], help="of the computation (weights: float32)")
    parser.add_argument(
        "--imagenet", action="store_true", help=f"from Keras's ImageNet weights, downloaded ({', '.join(IMAGENET)})"
    )
    given = parser.parse_args(arguments)
    try:
        train(
            given.name,
            given.data,
            given.epochs,
            given.steps,
            given.seed,
            given.split,
            given.out,
            given.resume,
            given.start,
            precision=given.precision,
            imagenet=given.imagenet,
        )
    except SkinModelError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. Go on from the last whole epoch with --resume.", file=sys.stderr)
        return 130
    return 0


def train(
    name: str,
    data: Sequence[str],
    epochs: int | None = None,
    steps: int | None = None,
    seed: int = 0,
    kind: str | None = None,
    out: str | None = None,
    resume: bool = False,
    start: str | None = None,
    recipe: Recipe | None = None,
    precision: str = PRECISIONS[0],
    imagenet: bool = False,
) -> Path:
    """Train model ``name`` and return the run's folder; arguments as on the command line. Raises SkinModelError.

    ``recipe``: one to train by instead of the model's own.
    """
    spec, recipe = model_spec(name), recipe or recipe_for(name, imagenet)
    for option, value, least in (("--epochs", epochs, 1), ("--steps", steps, 1), ("--seed", seed, 0)):
        if value is not None and value < least:
            raise SkinModelError(f"Expected {option} of at least {least}. Received: {value}")
    if start is not None and not Path(start).is_file():
        raise SkinModelError(f"Expected a file of ImageNet weights at --start. Received: {start}")
    if start is not None and imagenet:
        raise SkinModelError(f"Expected --imagenet, which downloads Keras's weights, or --start FILE. Received: both, {start}")
    samples = datasets.load(spec, data)
    kind = kind or splits.default_kind(spec.dataset.key, samples)
    table = splits.split(samples, kind)
    splits.check(table, kind, spec.labels)
    folder = Path(out or f"runs/{name}-{kind}-seed{seed}")
    if start is not None and not recipe.start:
        raise SkinModelError(f"Expected no --start, since {name} starts from random weights. Received: {start}")
    shorter = _shortened(recipe, epochs, steps)
    told = {
        "seed": seed,
        "split": {"kind": kind, "seed": 0},
        "start": Path(start).name if start else None,
        "data": [Path(path).name for path in data],
        "schedule": "reduced" if _reduced(recipe, shorter) else "full",
    }
    told |= {"precision": precision} if precision != PRECISIONS[0] else {}
    told |= {"imagenet": True} if imagenet else {}
    job = _Job(spec, samples, table, told, resume, start)
    before = job.run(shorter.first, RunFolder(folder / FIRST), None) if shorter.first else None
    job.run(shorter, RunFolder(folder), before)
    return folder


@contextmanager
def _computed_in(precision: str) -> Iterator[None]:
    """Networks built meanwhile compute in that precision."""
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _shortened(recipe: Recipe, epochs: int | None, steps: int | None) -> Recipe:
    """What the command line leaves of a recipe; of its first part and of what follows one never more than they have."""
    first = recipe.first
    if first is not None:
        first = replace(first, epochs=min(epochs or first.epochs, first.epochs), steps=steps or first.steps)
        epochs = min(epochs or recipe.epochs, recipe.epochs)
    return replace(recipe, epochs=epochs or recipe.epochs, steps=steps or recipe.steps, first=first)


def _reduced(full: Recipe, given: Recipe) -> bool:
    """Whether there are fewer epochs than the recipe has, or shorter ones, in either part."""
    shorter = given.epochs < full.epochs
    shorter |= given.steps is not None and (full.steps is None or given.steps < full.steps)
    return shorter or (full.first is not None and given.first is not None and _reduced(full.first, given.first))


@dataclass(frozen=True)
class _Job:
    """A training as it was asked for: what both parts of its recipe have in common. ``told`` goes into the configuration."""

    spec: ModelSpec
    samples: list[datasets.Sample]
    table: pd.DataFrame
    told: dict
    resume: bool
    start: str | None

    def run(self, recipe: Recipe, folder: RunFolder, before: Path | None) -> Path:
        """Train by a recipe, or by the first part of one; the best weights. ``before``: weights to go on from."""
        spec = at_side(of_member(self.spec, recipe.member), recipe.side)
        parts = _decode(spec, self.samples, self.table["part"].to_numpy())
        # Read and checked everything: only now does anything get written.
        state = folder.begin(_config(spec, recipe) | self.told, self.resume)
        folder.keep_split(self.table)
        if state.epoch < recipe.epochs and not state.stopped:
            with _computed_in(self.told.get("precision", PRECISIONS[0])):
                fit(spec, recipe, folder, state, parts, self.told["seed"], self.start, before)
        folder.drop_features()
        _report(spec, folder, parts, self.table)
        return folder.path / folder.state().best


def _decode(spec: ModelSpec, samples: list[datasets.Sample], part_of: np.ndarray) -> dict[str, Part]:
    """Pixels and label indices of the training and the selecting validation part."""
    parts = {}
    for part in ("train", "validation"):
        chosen = [sample for sample, its in zip(samples, part_of, strict=True) if its == part]
        truth = np.array([spec.labels.index(sample.label) for sample in chosen])
        parts[part] = decode(chosen, spec.preprocessing, part), truth
    return parts


def _config(spec: ModelSpec, recipe: Recipe) -> dict:
    return {
        "name": spec.name,
        "params": spec.params,
        "labels": list(spec.labels),
        "recipe": asdict(recipe),
        "preprocessing": asdict(spec.preprocessing),
        "versions": versions(),
    }


def _report(spec: ModelSpec, folder: RunFolder, parts: dict[str, Part], table) -> None:
    """Curves, and what the best checkpoint reaches on the validation that selected it."""
    from skinmodels import metrics
    from training.fitting.callbacks import predict

    state = folder.state()
    model = spec.build()
    model.load_weights(folder.path / state.best)
    pixels, truth = parts["validation"]
    groups = table.loc[table["part"] == "validation", "group"]
    figures = metrics.block(spec.labels, truth, predict(model, spec, pixels), list(groups))
    write_json(folder.path / "metrics.json", {"epoch": state.best_epoch, "validation": figures})
    for figure in ("accuracy", "loss"):
        plots.curves(state.history, figure, folder.path / f"{figure}.png")
    title = f"{spec.name}, validation, epoch {state.best_epoch}"
    plots.confusion(figures["confusion_matrix"], spec.labels, title, folder.path / "confusion_validation.png")
    selected = f"selected on {figures['n']} validation pictures"
    print(f"Best epoch {state.best_epoch} of {state.epoch}, {selected}. Run kept in {folder.path}")


if __name__ == "__main__":
    sys.exit(main())
