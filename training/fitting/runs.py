"""A run's folder: configuration, split, checkpoints, history. What is written there is complete or absent, so that a run
killed at any moment goes on from its last whole epoch."""

from __future__ import annotations

import json
import platform
from dataclasses import MISSING, dataclass, field, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from skinmodels import lfs
from skinmodels.errors import SkinModelError
from training.fitting.recipes import SAID, Recipe

# Where, in a run's folder, the run of its recipe's first part is kept.
FIRST = "first"


def write_text(path: Path, content: str) -> None:
    """A text file in UTF-8, written beside and renamed."""
    beside = path.with_name(path.name + ".tmp")
    beside.write_text(content, encoding="utf-8", newline="\n")
    beside.replace(path)


def write_json(path: Path, content: dict) -> None:
    """A JSON file, written beside and renamed."""
    write_text(path, json.dumps(content, indent=1) + "\n")


def read_json(path: Path) -> dict:
    """A JSON object. Raises SkinModelError when it is missing or is something else."""
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise SkinModelError(f"Expected a JSON file at {path}. Received: {lfs.why(path, error)}") from error
    if not isinstance(content, dict):
        raise SkinModelError(f"Expected a JSON object in {path}. Received: {type(content).__name__}")
    return content


def versions() -> dict[str, str]:
    """Versions of what figures depend on."""
    import keras

    packages = ("keras", "numpy", "pillow", "scikit-learn")
    found = {"python": platform.python_version(), **{package: version(package) for package in packages}}
    backend = keras.backend.backend()
    module = __import__(backend)
    return {**found, "backend": backend, backend: module.__version__}


@dataclass
class State:
    """Where a run stands after its last whole epoch."""

    epoch: int = 0
    last: str = ""
    best: str = ""
    best_epoch: int = 0
    best_value: float | None = None
    stopped: bool = False
    callbacks: dict[str, dict[str, Any]] = field(default_factory=dict)
    history: list[dict] = field(default_factory=list)


def _changed(old: dict, new: dict) -> list[str]:
    """In what a run that goes on would not be the one that was begun.

    What is said of a recipe may change. Where the learning rate does not depend on how many epochs there will be, they may
    become more, as when a paper trains in several parts.
    """
    old, new = ({**config, "recipe": _comparable(config.get("recipe", {}))} for config in (old, new))
    if new["recipe"].get("schedule") != "cosine" and old["recipe"].get("epochs", 0) <= new["recipe"].get("epochs", 0):
        for config in (old, new):
            config["recipe"].pop("epochs", None)
    return sorted(key for key in {*old, *new} - {"versions", "data", "schedule"} if old.get(key) != new.get(key))


def _comparable(recipe: dict) -> dict:
    """A recipe out of JSON, with today's defaults for fields it did not have."""
    defaults = {its.name: its.default for its in fields(Recipe) if its.default is not MISSING}
    whole = {key: value for key, value in (defaults | recipe).items() if key not in SAID}
    return whole | {"first": _comparable(whole["first"]) if whole["first"] else None}


class RunFolder:
    """The files of one run, by name."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.config, self.split = self.path / "config.json", self.path / "split.csv"
        self._state = self.path / "state.json"

    def begin(self, config: dict, resume: bool) -> State:
        """Write the configuration of a new run, or check that an old one has the same, and give its state.

        Raises SkinModelError when the folder holds a run and ``resume`` is not set, or one with another configuration.
        """
        new = json.loads(json.dumps(config))  # where tuples are lists
        if not self._state.exists():  # new, or stopped before its first epoch was over
            self.path.mkdir(parents=True, exist_ok=True)
            old = read_json(self.config) if self.config.exists() else {}
            if not old or _changed(old, new) or old.get("data") != new.get("data"):
                self.drop_features()
            write_json(self.config, new)
            return State()
        if not resume:
            raise SkinModelError(f"Expected a new folder for the run, or --resume. Received: {self.path}, which holds a run")
        old = read_json(self.config)
        if changed := _changed(old, new):
            raise SkinModelError(f"Expected the configuration in {self.config} to resume. Received: other {', '.join(changed)}")
        write_json(self.config, new | {"versions": old.get("versions")})
        return self.state()

    def done(self) -> bool:
        """Whether it came to its end: all epochs, or a stop of its own."""
        state = self.state()
        return state.stopped or state.epoch >= read_json(self.config)["recipe"]["epochs"]

    def begun(self) -> bool:
        """Whether there is a run with an epoch done."""
        return self._state.exists()

    def state(self) -> State:
        """The state of a run with at least one epoch. Raises SkinModelError where there is none."""
        if not self._state.exists():
            raise SkinModelError(f"Expected a folder of a training run with an epoch done. Received: {self.path}")
        return State(**read_json(self._state))

    def keep_split(self, table: pd.DataFrame) -> None:
        """Write the split of a new run. Raises SkinModelError where a run with epochs done was split otherwise."""
        if self._state.exists():
            self.check_split(table)
        else:
            write_text(self.split, table.to_csv(index=False, lineterminator="\n"))

    def check_split(self, table: pd.DataFrame) -> None:
        """Raises SkinModelError where the run's split is not this one, as with other pictures or another order of them."""
        try:
            written = pd.read_csv(self.split, dtype=str)
        except (OSError, ValueError) as error:
            raise SkinModelError(f"Expected the run's split in {self.split}. Received: {error}") from error
        if not table.astype(str).equals(written):
            raise SkinModelError(f"Expected the pictures that {self.split} lists. Received: others, or in another order")

    def commit(self, state: State) -> None:
        """Make this state the run's, then drop what it no longer names."""
        write_text(self.path / "history.csv", pd.DataFrame(state.history).to_csv(index=False, lineterminator="\n"))
        # The commit: a run killed before this line repeats the epoch.
        write_json(self._state, vars(state))
        for file in self.path.glob("*.weights.h5"):
            if file.name not in (state.last, state.best):
                file.unlink()

    def features(self, part: str, copy: int = 0) -> Path:
        """Where the features that a frozen part gives of one part of the split, or of a changed copy of it, are kept."""
        return self.path / f"features-{part}-{copy}.npy"

    def drop_features(self) -> None:
        """They are gigabytes, and of no use once the run is over."""
        for file in self.path.glob("features-*.npy*"):
            file.unlink()
