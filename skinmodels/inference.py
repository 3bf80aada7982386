"""From a picture to probabilities: networks loaded once, called compiled, from any number of threads."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from skinmodels import labels, weights
from skinmodels.calibration import scaled
from skinmodels.conformal import prediction_sets
from skinmodels.errors import SkinModelError
from skinmodels.records import Record
from skinmodels.registry import MODELS, model_spec
from skinmodels.spec import ModelSpec

if TYPE_CHECKING:
    import keras

# Pictures in one call of a network; more are worked off in turn, so that memory stays bounded.
MAX_BATCH = 32

log = logging.getLogger(__name__)

_loaded: dict[str, Loaded] = {}
# A lock for each model: whoever asks for one model never waits for another to load.
_locks = {name: threading.Lock() for name in MODELS}
# Two threads importing TensorFlow at once see half of it.
_import_lock = threading.Lock()


@dataclass(frozen=True)
class Loaded:
    """A network ready to be called, and the record of the weights it was given."""

    network: keras.Model
    record: Record


@dataclass(frozen=True)
class Prediction:
    """What a network answered.

    Attributes:
        name: the model's.
        probabilities: share 0..1 by label, in label order, adding up to 1; with the record's temperature applied.
        seen: the picture as the network saw it, RGB, at the network's size.
        seconds: from the RGB picture to the probabilities, loading not counted; a batch's time shared out evenly.
        conformal: the labels that hold the right one with the record's coverage, in label order, maybe none of them;
            None where the record has no conformal thresholds.
    """

    name: str
    probabilities: dict[str, float]
    seen: Image.Image
    seconds: float
    conformal: tuple[str, ...] | None = None

    @property
    def malignancy(self) -> float:
        """The probability of malignancy, 0..1, see ``labels.MALIGNANT``."""
        return labels.malignancy(self.probabilities)


def predict(name: str, image: Image.Image) -> Prediction:
    """What the model of that name makes of an RGB picture of any size; loads the model first where needed.

    Raises:
        SkinModelError: unknown model, or weights missing or damaged. The next call tries to load them again.
    """
    return predict_batch(name, [image])[0]


def predict_batch(name: str, images: Sequence[Image.Image]) -> list[Prediction]:
    """``predict`` for several RGB pictures, in their order."""
    spec = model_spec(name)
    model = _model(spec)
    predictions: list[Prediction] = []
    for start in range(0, len(images), MAX_BATCH):
        began = time.perf_counter()
        seen = [spec.preprocessing.picture(image) for image in images[start : start + MAX_BATCH]]
        values = spec.preprocessing.scale(np.stack([np.asarray(picture, dtype=np.uint8) for picture in seen]))
        rows = calibrated(model.record, spec.ask(model.network, values))
        sets = _conformal(spec, model.record, rows)
        seconds = (time.perf_counter() - began) / len(seen)
        predictions += [
            Prediction(name, dict(zip(spec.labels, map(float, row), strict=True)), picture, seconds, chosen)
            for picture, row, chosen in zip(seen, rows, sets, strict=True)
        ]
    return predictions


def calibrated(record: Record, probabilities: np.ndarray) -> np.ndarray:
    """A network's probabilities (n, labels) with the temperature of its record applied; as they are where it has none."""
    return scaled(probabilities, record.calibration.temperature if record.calibration else 1.0)


def _conformal(spec: ModelSpec, record: Record, probabilities: np.ndarray) -> list[tuple[str, ...] | None]:
    """The conformal set of each row of calibrated probabilities."""
    if record.conformal is None:
        return [None] * len(probabilities)
    held = prediction_sets(probabilities, np.array([record.conformal.thresholds[code] for code in spec.labels]))
    return [tuple(code for code, its in zip(spec.labels, row, strict=True) if its) for row in held]


def loaded(name: str) -> Loaded:
    """The model of that name, loaded where it was not yet. Raises SkinModelError as ``predict`` does."""
    return _model(model_spec(name))


def warm(names: Iterable[str] = tuple(MODELS)) -> None:
    """Loads these models, one after the other. One that cannot be loaded is logged; asking for it says why."""
    for name in names:
        try:
            _model(model_spec(name))
        except SkinModelError as error:
            log.warning("%s", error)


def warm_in_background(names: Iterable[str] = tuple(MODELS), delay: float = 0.0) -> threading.Thread:
    """Starts ``warm`` in a thread of its own, ``delay`` seconds from now."""

    def work() -> None:
        time.sleep(delay)
        warm(names)

    thread = threading.Thread(target=work, name="load models", daemon=True)
    thread.start()
    return thread


def _model(spec: ModelSpec) -> Loaded:
    model = _loaded.get(spec.name)
    if model is None:
        with _locks[spec.name]:
            model = _loaded.get(spec.name)
            if model is None:
                _import_keras()
                model = Loaded(weights.load(spec.name), weights.read_record(spec.name))
                # Compiles the call, so that the first picture is answered as fast as the others.
                spec.ask(model.network, np.zeros((1, *spec.preprocessing.size, 3), np.float32))
                _loaded[spec.name] = model
                log.info("Loaded %s", spec.name)
    return model


def _import_keras() -> None:
    with _import_lock:
        os.environ.setdefault("KERAS_BACKEND", "tensorflow")
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        import keras  # noqa: F401
