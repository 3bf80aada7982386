"""What happens at the end of each training epoch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import keras
import numpy as np

from skinmodels import metrics
from skinmodels.spec import ModelSpec
from training.fitting.runs import RunFolder, State

Scale = Callable[[np.ndarray], np.ndarray]
_BATCH = 64


class Validate(keras.callbacks.Callback):
    """Puts val_loss, val_accuracy, val_balanced_accuracy and val_auc into the logs, for the callbacks after it."""

    def __init__(self, spec: ModelSpec, pixels: np.ndarray, truth: np.ndarray, scale: Scale | None = None) -> None:
        """``scale``: from ``pixels`` to what the model takes, where that is not the spec's preprocessing."""
        super().__init__()
        # One view of each picture is enough to choose an epoch by.
        self.spec, self.pixels, self.truth = replace(spec, mirrored=False), pixels, truth
        self.scale = scale or spec.preprocessing.scale

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        probabilities = predict(self.model, self.spec, self.pixels, self.scale)
        figures = metrics.headline(self.truth, probabilities)
        right = probabilities[np.arange(len(self.truth)), self.truth]
        values = {
            "val_loss": float(-np.log(np.maximum(right, 1e-7)).mean()),
            "val_accuracy": figures["accuracy"],
            "val_balanced_accuracy": figures["balanced_accuracy"],
            "val_auc": figures["macro_auc"],
        }
        (logs if logs is not None else {}).update(values)
        print("  " + ", ".join(f"{name} {value:.4f}" for name, value in values.items()), flush=True)


def predict(model: keras.Model, spec: ModelSpec, pixels: np.ndarray, scale: Scale | None = None) -> np.ndarray:
    """Probabilities (n, labels) of uint8 pictures (n, height, width, 3) at the network's size, as they are served.

    ``scale``: as in ``Validate``.
    """
    scale = scale or spec.preprocessing.scale
    return np.concatenate([spec.ask(model, scale(pixels[i : i + _BATCH])) for i in range(0, len(pixels), _BATCH)])


class SeedDropout(keras.callbacks.Callback):
    """Starts the random numbers of dropout anew with every epoch, since checkpoints do not hold where they stood."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.seed = seed

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        layers = [layer for layer in self.model.layers if hasattr(layer, "seed_generator")]
        for number, layer in enumerate(layers):
            state = np.random.SeedSequence((self.seed, epoch, number)).generate_state(2)
            layer.seed_generator.state.assign(state)


class Averaged(keras.callbacks.Callback):
    """Puts the optimizer's moving average of the weights into the model while an epoch's end is validated and saved.

    What is saved is the average in the model's place and the weights in the average's; a resumed run exchanges them back.
    """

    def __init__(self, resumed: bool) -> None:
        super().__init__()
        self.exchanged = resumed

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        if self.exchanged:
            self._exchange()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self._exchange()

    def _exchange(self) -> None:
        optimizer = self.model.optimizer
        for weight, average in zip(optimizer._trainable_variables, optimizer._model_variables_moving_average, strict=True):
            kept = keras.ops.convert_to_numpy(weight)
            weight.assign(average)
            average.assign(kept)
        self.exchanged = not self.exchanged


class SaveRun(keras.callbacks.Callback):
    """Keeps the last and the best weights, the history and the other callbacks' counters after every epoch.

    Comes last in the list of callbacks. The best weights are those of ``whole``, of which the model trained may be a part.
    Counters of ReduceLROnPlateau and EarlyStopping are Keras's own attributes.
    """

    COUNTERS = ("wait", "best", "cooldown_counter")

    def __init__(
        self, folder: RunFolder, state: State, select: str, others: Sequence[keras.callbacks.Callback], whole: keras.Model
    ) -> None:
        super().__init__()
        self.folder, self.state, self.select, self.whole = folder, state, select, whole
        self.others = {type(other).__name__: other for other in others}

    def on_train_begin(self, logs: dict | None = None) -> None:
        for name, counters in self.state.callbacks.items():
            for counter, value in counters.items():
                setattr(self.others[name], counter, value)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        state, logs = self.state, logs or {}
        state.epoch = epoch + 1
        state.last = f"last-{state.epoch:04d}.weights.h5"
        self.model.save_weights(self.folder.path / state.last)
        value = float(state.epoch if self.select == "last" else logs[self.select])
        if state.best_value is None or value > state.best_value:
            state.best, state.best_epoch = f"best-{state.epoch:04d}.weights.h5", state.epoch
            state.best_value = value
            self.whole.save_weights(self.folder.path / state.best)
        state.history.append({"epoch": state.epoch, **{name: float(value) for name, value in logs.items()}})
        state.stopped = bool(self.model.stop_training)
        state.callbacks = {
            name: {counter: float(getattr(other, counter)) for counter in self.COUNTERS if hasattr(other, counter)}
            for name, other in self.others.items()
        }
        self.folder.commit(state)
