"""Train one network.

Reads the data set in its public layout, from folders or .zip files. Writes into the run's folder: config.json, split.csv,
the last and best weights, history.csv, accuracy.png, loss.png, confusion_validation.png and metrics.json. The test part of
the split is never opened.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from skinmodels.errors import SkinModelError
from skinmodels.registry import model_spec
from skinmodels.spec import ModelSpec
from training import datasets, plots, splits
from training.pixels import decode
from training.recipes import RECIPES, Recipe, recipe_for
from training.runs import RunFolder, State, versions, write_json

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
    given = parser.parse_args(arguments)
    try:
        train(given.name, given.data, given.epochs, given.steps, given.seed, given.split, given.out, given.resume, given.start)
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
) -> Path:
    """Train model ``name`` and return the run's folder; arguments as on the command line. Raises SkinModelError."""
    spec, recipe = model_spec(name), recipe_for(name)
    kind = kind or splits.DEFAULT_KIND[spec.dataset.key]
    full = recipe
    for option, value, least in (("--epochs", epochs, 1), ("--steps", steps, 1), ("--seed", seed, 0)):
        if value is not None and value < least:
            raise SkinModelError(f"Expected {option} of at least {least}. Received: {value}")
    if start is not None and not Path(start).is_file():
        raise SkinModelError(f"Expected a file of ImageNet weights at --start. Received: {start}")
    recipe = replace(recipe, epochs=epochs or recipe.epochs, steps=steps or recipe.steps)
    samples = datasets.load(spec, data)
    table = splits.split(samples, kind)
    splits.check(table, kind, spec.labels)
    folder = RunFolder(out or f"runs/{name}-{kind}-seed{seed}")
    parts = _decode(spec, samples, table["part"].to_numpy())
    # Read and checked everything: only now does anything get written.
    state = folder.begin(_config(spec, recipe, full, seed, kind, data, start), resume)
    folder.keep_split(table)
    if state.epoch < recipe.epochs and not state.stopped:
        _fit(spec, recipe, folder, state, parts, seed, start)
    _report(spec, folder, parts, table)
    return folder.path


Part = tuple[np.ndarray, np.ndarray]


def _decode(spec: ModelSpec, samples: list[datasets.Sample], part_of: np.ndarray) -> dict[str, Part]:
    """Pixels and label indices of the training and the selecting validation part."""
    parts = {}
    for part in ("train", "validation"):
        chosen = [sample for sample, its in zip(samples, part_of, strict=True) if its == part]
        truth = np.array([spec.labels.index(sample.label) for sample in chosen])
        parts[part] = decode(chosen, spec.preprocessing, part), truth
    return parts


def _config(
    spec: ModelSpec, recipe: Recipe, full: Recipe, seed: int, kind: str, data: Sequence[str], start: str | None
) -> dict:
    fewer_steps = recipe.steps is not None and (full.steps is None or recipe.steps < full.steps)
    reduced = recipe.epochs < full.epochs or fewer_steps
    return {
        "name": spec.name,
        "params": spec.params,
        "labels": list(spec.labels),
        "seed": seed,
        "split": {"kind": kind, "seed": 0},
        "schedule": "reduced" if reduced else "full",
        "start": Path(start).name if start else None,
        "recipe": asdict(recipe),
        "preprocessing": asdict(spec.preprocessing),
        "data": [Path(path).name for path in data],
        "versions": versions(),
    }


def _fit(
    spec: ModelSpec, recipe: Recipe, folder: RunFolder, state: State, parts: dict[str, Part], seed: int, start: str | None
) -> None:
    import keras

    from training.batches import Balance, Batches
    from training.callbacks import SaveRun, SeedDropout, Validate
    from training.loop import loop

    keras.utils.set_random_seed(seed)
    model = _compiled(spec, recipe, start if not state.last else None, fresh=not state.last)
    if state.last:
        model.optimizer.build(model.trainable_variables)
        model.load_weights(folder.path / state.last)
    pixels, classes = parts["train"]
    balance = Balance(classes, recipe.balance, recipe.threshold, seed)
    batches = Batches(
        pixels,
        balance,
        spec.preprocessing.scale,
        recipe.augmentation,
        recipe.batch_size,
        recipe.steps,
        state.epoch,
        seed,
        recipe.mixup,
    )
    others: list[keras.callbacks.Callback] = []
    if recipe.schedule == "cosine":
        others.append(keras.callbacks.LearningRateScheduler(lambda epoch: _cosine(recipe, epoch)))
    save = SaveRun(folder, state, recipe.select, others)
    loop(model, batches, [SeedDropout(seed), Validate(spec, *parts["validation"]), *others, save], state.epoch, recipe.epochs)


def _compiled(spec: ModelSpec, recipe: Recipe, start: str | None, fresh: bool):
    import keras

    model = spec.build()
    if recipe.norm_momentum is not None:
        for layer in model.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.momentum = recipe.norm_momentum
    if recipe.start and fresh:
        _load_start(model, recipe.start, start)
    decay = {"weight_decay": recipe.weight_decay} if recipe.optimizer == "adamw" else {}
    optimizer = keras.optimizers.get(
        {"class_name": recipe.optimizer, "config": {"learning_rate": recipe.learning_rate, **decay}}
    )
    kind = "binary" if spec.binary else "categorical" if recipe.mixup else "sparse_categorical"
    loss = f"{kind}_crossentropy"
    model.compile(optimizer, loss, weighted_metrics=["accuracy"])
    return model


def _load_start(model, layer: str, file: str | None) -> None:
    """ImageNet weights up to and including ``layer``: from a file, or from Keras, which downloads them."""
    import keras

    base = keras.Model(model.input, model.get_layer(layer).output)
    if file is None:
        try:
            online = keras.applications.MobileNetV2(input_shape=(224, 224, 3), include_top=False, weights="imagenet")
        except Exception as error:  # whatever the download raises
            raise SkinModelError(
                f"Expected to download Keras's ImageNet weights, or --start FILE. Received: {error}"
            ) from error
        base.set_weights(online.get_weights())
        return
    try:
        base.load_weights(file)
    except (OSError, ValueError) as error:
        raise SkinModelError(
            f"Expected ImageNet weights for {model.name} up to {layer} in {file}. Received: {error}"
        ) from error


def _cosine(recipe: Recipe, epoch: int) -> float:
    """Learning rate of an epoch, from the recipe's down to a hundredth of it."""
    share = epoch / max(1, recipe.epochs - 1)
    return recipe.learning_rate * (0.01 + 0.99 * (1 + math.cos(math.pi * share)) / 2)


def _report(spec: ModelSpec, folder: RunFolder, parts: dict[str, Part], table) -> None:
    """Curves, and what the best checkpoint reaches on the validation that selected it."""
    from training import metrics
    from training.callbacks import predict

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
