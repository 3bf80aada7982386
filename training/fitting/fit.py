"""One network fitted by one recipe."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from skinmodels.spec import ModelSpec
from training.fitting.recipes import Recipe
from training.fitting.runs import RunFolder, State

if TYPE_CHECKING:
    import keras

    from training.fitting.batches import Pictures
    from training.fitting.callbacks import Validate

# Training pictures that random weights are standardised on.
_SOME = 64
# Uint8 pictures (n, height, width, 3) and their label indices (n,).
Part = tuple[np.ndarray, np.ndarray]
# From truth and probabilities of a batch to a loss for each of it.
Loss = Callable[[Any, Any], Any]


def of_member(spec: ModelSpec, layer: str | None) -> ModelSpec:
    """The spec with that layer alone, itself a network, as what is built; None leaves it."""
    if layer is None:
        return spec

    def build() -> keras.Model:
        import keras

        member = spec.build().get_layer(layer)
        return keras.Model(member.input, member.output, name=spec.name)

    return replace(spec, build=build)


def at_side(spec: ModelSpec, side: int | None) -> ModelSpec:
    """The spec with pictures of another height and width, for networks that end in a global pool; None leaves it."""
    if side is None:
        return spec

    def build() -> keras.Model:
        import keras

        model = spec.build()
        return keras.models.clone_model(model, input_tensors=keras.Input((side, side, 3), name="picture"))

    return replace(spec, build=build, preprocessing=replace(spec.preprocessing, size=(side, side)))


def fit(
    spec: ModelSpec,
    recipe: Recipe,
    folder: RunFolder,
    state: State,
    parts: dict[str, Part],
    seed: int,
    start: str | None = None,
    before: Path | None = None,
) -> None:
    """Train from where ``state`` stands to the recipe's end, leaving checkpoints in ``folder``.

    ``start``: file of ImageNet weights, or None for Keras's own. ``before``: weights to go on from instead of them.
    """
    import keras

    from training.fitting.batches import Augmented, Balance, Batches
    from training.fitting.callbacks import Averaged, SaveRun, SeedDropout, Validate
    from training.fitting.initializers import standardise
    from training.fitting.train_loop import loop

    keras.utils.set_random_seed(seed)
    # Of a network with a frozen part the last checkpoint holds the rest alone, the best one all of it.
    whole = _network(spec, recipe, start, folder.path / state.best if state.best else before)
    if recipe.standardised and not (state.best or before):
        some = np.random.default_rng(seed).permutation(len(parts["train"][0]))[:_SOME]
        standardise(whole, recipe.standardised, spec.preprocessing.scale(parts["train"][0][some]))
    if recipe.frozen:
        model, pictures, validate = _frozen(whole, spec, recipe, folder, parts, seed)
    else:
        model, validate = whole, Validate(spec, *parts["validation"])
        pictures = Augmented(parts["train"][0], spec.preprocessing.scale, recipe.augmentation)
    _compile(model, spec, recipe, parts["train"][1])
    if state.last:
        model.optimizer.build(model.trainable_variables)
        model.load_weights(folder.path / state.last)
    balance = Balance(parts["train"][1], recipe.balance, recipe.threshold, seed)
    batches = Batches(pictures, balance, recipe.batch_size, recipe.steps, state.epoch, seed, recipe.mixup)
    others = _schedule(recipe)
    averaged = [Averaged(resumed=bool(state.last))] if recipe.averaged else []
    save = SaveRun(folder, state, recipe.select, others, whole)
    loop(model, batches, [SeedDropout(seed), *averaged, validate, *others, save], state.epoch, recipe.epochs)


def _network(spec: ModelSpec, recipe: Recipe, start: str | None, before: Path | None) -> keras.Model:
    import keras

    from training.fitting.pretrained import load_start

    model = spec.build()
    # Probabilities need more digits than the rest.
    model.layers[-1].dtype_policy = keras.DTypePolicy("float32")
    if recipe.norm_momentum is not None:
        for layer in model.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.momentum = recipe.norm_momentum
    if before is not None:
        model.load_weights(before)
    elif recipe.start:
        load_start(model, recipe.start, start)
    return model


def _frozen(
    whole: keras.Model, spec: ModelSpec, recipe: Recipe, folder: RunFolder, parts: dict[str, Part], seed: int
) -> tuple[keras.Model, Pictures, Validate]:
    """The part of ``whole`` behind the frozen one, and the features that it is trained and validated on."""
    from training.fitting.callbacks import Validate
    from training.fitting.frozen import Cached, features, halves

    base, model = halves(whole, str(recipe.frozen))
    copies = []
    for copy in range(recipe.copies + 1):
        how = recipe.augmentation if copy else None
        file = folder.features("train", copy)
        copies.append(features(base, parts["train"][0], spec.preprocessing, how, seed * 1000 + copy, file))
    shown, truth = parts["validation"]
    kept = features(base, shown, spec.preprocessing, None, seed, folder.features("validation"))
    return model, Cached(copies), Validate(spec, kept, truth, partial(np.asarray, dtype=np.float32))


def _compile(model: keras.Model, spec: ModelSpec, recipe: Recipe, classes: np.ndarray) -> None:
    """``classes``: label index (n,) of the training part."""
    import keras

    config: dict = {"learning_rate": recipe.learning_rate}
    if recipe.optimizer == "adamw":
        config |= {"weight_decay": recipe.weight_decay}
    if recipe.momentum:
        config |= {"momentum": recipe.momentum}
    if recipe.clip_norm:
        config |= {"clipnorm": recipe.clip_norm}
    if recipe.averaged:
        config |= {"use_ema": True, "ema_momentum": recipe.averaged}
    optimizer = keras.optimizers.get({"class_name": recipe.optimizer, "config": config})
    kind = "binary" if spec.binary else "categorical" if recipe.mixup else "sparse_categorical"
    loss = keras.losses.get(f"{kind}_crossentropy")
    if recipe.balance == "adjusted":
        loss = adjusted(loss, np.bincount(classes, minlength=len(spec.labels)) / len(classes))
    model.compile(optimizer, loss, weighted_metrics=["accuracy"])


def adjusted(loss: Loss, shares: np.ndarray) -> Loss:
    """That loss of what probabilities (n, classes) of equally frequent classes are where each has its share of all."""
    import keras

    def of_shares(truth: keras.KerasTensor, probabilities: keras.KerasTensor) -> keras.KerasTensor:
        expected = probabilities * keras.ops.cast(shares, probabilities.dtype)
        return loss(truth, expected / keras.ops.sum(expected, axis=-1, keepdims=True))

    return of_shares


def _schedule(recipe: Recipe) -> list[keras.callbacks.Callback]:
    import keras

    if recipe.schedule == "cosine":
        return [keras.callbacks.LearningRateScheduler(lambda epoch: _cosine(recipe, epoch))]
    if recipe.schedule == "plateau":
        halved = keras.callbacks.ReduceLROnPlateau("accuracy", factor=0.5, patience=3)
        return [halved, keras.callbacks.EarlyStopping("val_loss", patience=10)]
    return []


def _cosine(recipe: Recipe, epoch: int) -> float:
    """Learning rate of an epoch, from the recipe's down to a hundredth of it."""
    share = epoch / max(1, recipe.epochs - 1)
    return recipe.learning_rate * (0.01 + 0.99 * (1 + math.cos(math.pi * share)) / 2)
