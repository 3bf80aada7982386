"""The weights files and the records beside them: where they lie, whether they are whole, how they are loaded."""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from skinmodels import lfs, record_text
from skinmodels.errors import SkinModelError
from skinmodels.records import OptimiserComparison, Record
from skinmodels.registry import MODELS, model_spec
from skinmodels.spec import ModelSpec

if TYPE_CHECKING:
    import keras


def folder() -> Path:
    """Where weights and records lie: ``$SKINMODELS_WEIGHTS`` where set, else ``weights/`` of the checkout, else the records
    that were installed with the package."""
    if chosen := os.environ.get("SKINMODELS_WEIGHTS"):
        return Path(chosen)
    package = Path(__file__).resolve().parent
    checkout = package.parent / "weights"
    return checkout if checkout.is_dir() else package / "published"


def weights_path(name: str) -> Path:
    """The weights file of that model, whether it exists or not."""
    return folder() / f"{name}.weights.h5"


def record_path(name: str) -> Path:
    """The record of that model's training and figures, whether it exists or not."""
    return folder() / f"{name}.json"


def optimisers_path(name: str) -> Path:
    """The comparison of optimisers on that network, whether it exists or not."""
    return folder() / f"{name}.optimisers.json"


def read_optimisers(name: str) -> OptimiserComparison | None:
    """What ``training.optimisers`` measured on that network, None where that was not done. Raises SkinModelError if damaged."""
    path = optimisers_path(name)
    try:
        text = path.read_bytes()
    except OSError:
        return None
    try:
        return record_text.parsed(OptimiserComparison, text, path.name)
    except SkinModelError as error:
        raise SkinModelError(f"The comparison of optimisers is damaged: {_inner(error)}") from None


def read_record(name: str) -> Record:
    """What training measured about that model or classical baseline. Raises SkinModelError where it is missing or broken."""
    title = MODELS[name].title if name in MODELS else name
    try:
        text = record_path(name).read_bytes()
    except OSError:
        raise SkinModelError(f'The record of the model "{title}" is missing: expected a readable {name}.json.') from None
    if lfs.is_pointer(text):
        raise SkinModelError(f'The record of the model "{title}" is missing: {name}.json is {lfs.INSTEAD}.')
    try:
        record = record_text.parsed(Record, text, f"{name}.json")
        if record.name != name:
            raise SkinModelError(f"Expected name in {name}.json to be {name}. Received: {record.name}")
    except SkinModelError as error:
        raise SkinModelError(f'The record of the model "{title}" is damaged: {_inner(error)}') from None
    return record


def _inner(error: SkinModelError) -> str:
    """That sentence as the end of another."""
    return str(error)[0].lower() + str(error)[1:]


def recorded() -> list[str]:
    """The names of all that have a record: the models in display order, then classical baselines by name."""
    names = {path.stem for path in folder().glob("*.json") if "." not in path.stem}
    return [*(name for name in MODELS if name in names), *sorted(names - set(MODELS))]


def baselines() -> list[Record]:
    """The records of the classical baselines, which have no weights to serve, by name. Broken ones are left out."""
    found = []
    for name in recorded():
        if name not in MODELS:
            try:
                found.append(read_record(name))
            except SkinModelError:
                continue
    return [record for record in found if record.baseline]


def check(name: str) -> Record:
    """The model's record, once its weights file is known to be the one the record describes.

    Raises:
        SkinModelError: record or weights missing, weights not of the recorded SHA-256, or recorded for other labels.
    """
    spec = model_spec(name)
    path = weights_path(name)
    try:
        state = path.stat()
    except OSError:
        raise SkinModelError(f'The weights of the model "{spec.title}" are missing: expected a file {path.name}.') from None
    _refuse_pointer(spec, path)
    record = read_record(name)
    try:
        digest = _sha256(path, state.st_mtime_ns, state.st_size)
    except OSError:
        raise SkinModelError(f'The weights of the model "{spec.title}" are missing: {path.name} cannot be read.') from None
    if digest != record.sha256:
        raise SkinModelError(
            f'The weights of the model "{spec.title}" are damaged: {path.name} is not the file that {name}.json describes.'
        )
    if record.labels != list(spec.labels):
        raise SkinModelError(
            f'The weights of the model "{spec.title}" cannot be used: expected the labels {", ".join(spec.labels)}. '
            f"Received: {', '.join(record.labels)}"
        )
    return record


@lru_cache(maxsize=64)
def _sha256(path: Path, _changed: int, _size: int) -> str:
    """The file's SHA-256; time and size are there so that a changed file is read again."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _refuse_pointer(spec: ModelSpec, path: Path) -> None:
    if lfs.is_pointer_file(path):
        raise SkinModelError(f'The weights of the model "{spec.title}" are missing: {path.name} is {lfs.INSTEAD}.')


def load(name: str) -> keras.Model:
    """That model with its published weights, checked first. Raises SkinModelError as ``check`` and ``load_file`` do."""
    check(name)
    return load_file(model_spec(name), weights_path(name))


def load_file(spec: ModelSpec, path: str | os.PathLike[str]) -> keras.Model:
    """The spec's network with the weights of a ``.weights.h5`` file.

    Raises:
        SkinModelError: no such file, not a weights file, or weights of another network.
    """
    path = Path(path)
    if not path.is_file():
        raise SkinModelError(f'The weights of the model "{spec.title}" are missing: expected a file {path.name}.')
    _refuse_pointer(spec, path)
    model = spec.build()
    try:
        model.load_weights(path)
    except (OSError, ValueError, LookupError, TypeError, RuntimeError):
        raise SkinModelError(
            f'The weights of the model "{spec.title}" are damaged: {path.name} does not hold the weights of this network.'
        ) from None
    return model
