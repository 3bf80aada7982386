"""Turn a training run into what the app serves.

Reads the run's best checkpoint and the data set. Writes NAME.weights.h5 (as float16, unless that moves a test figure by more
than 0.005), loads what it wrote, and writes NAME.json with every figure training.figures computes, and the probabilities
they come from. Refuses weights whose parameter count or labels are not the model's.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import h5py
import numpy as np

from skinmodels import record_text, weights
from skinmodels.errors import SkinModelError
from skinmodels.records import SCHEMA_VERSION, Record
from skinmodels.registry import MODELS, model_spec
from skinmodels.spec import ModelSpec
from training.data import datasets, splits
from training.evaluation import figures, record_files
from training.evaluation.measure import Measured, calibrated, measure, report, run_split, trained
from training.evaluation.predictions import Subject, chosen, gather
from training.fitting.recipes import recipe_for
from training.fitting.runs import FIRST, RunFolder, read_json

if TYPE_CHECKING:
    import keras

EXAMPLE = "example: python -m training.publish ham_cnn28 --run runs/ham_cnn28 --data HAM10000.zip"
# A test figure may move by so much when weights are rounded to float16.
TOLERANCE = 0.005


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m training.publish", description=__doc__, epilog=EXAMPLE)
    parser.add_argument("name", metavar="NAME", help=f"one of {', '.join(MODELS)}")
    parser.add_argument("--run", required=True, metavar="DIR", help="the training run")
    parser.add_argument("--data", nargs="+", required=True, metavar="PATH", help="folders or .zip files of the data sets")
    parser.add_argument("--random-run", metavar="DIR", help="a run with --split random; its figures are added, its weights not")
    given = parser.parse_args(arguments)
    try:
        record = publish(model_spec(given.name), RunFolder(given.run), given.data, given.random_run)
    except SkinModelError as error:
        print(error, file=sys.stderr)
        return 1
    print(report(given.name, record.held_out, calibrated(record, record_files.read_tables(given.name).test)))
    file = weights.weights_path(given.name)
    print(f"Wrote {file}, {file.stat().st_size / 1e6:.1f} MB as {record.training.stored_as}")
    return 0


def publish(spec: ModelSpec, run: RunFolder, data: Sequence[str], random_run: str | None = None) -> Record:
    """Publish the best checkpoint of ``run`` and return its record. Raises SkinModelError."""
    network = trained(spec, run)
    if network.count_params() != spec.params:
        raise SkinModelError(f"Expected {spec.params} parameters for {spec.name}. Received: {network.count_params()}")
    if not run.done() and (recipe := read_json(run.config)["recipe"])["schedule"] == "cosine":
        raise SkinModelError(
            f"Expected a run of {recipe['epochs']} epochs, since its learning rate falls towards the last of them. "
            f"Received: {run.path} after {run.state().epoch}"
        )
    samples = datasets.load(spec, data)
    table = run_split(run, samples)
    folder = weights.folder()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as beside:
        float32 = bool(read_json(run.config)["recipe"]["float32"])
        file, stored_as = _stored(network, spec, chosen(samples, table, "test"), Path(beside), float32)
        content = _record(spec, run, splits.counts(table), file, stored_as)
        stored = Subject(spec, weights.load_file(spec, file), content["split"])
        if spec.mirrored:
            averaged = _test_time_augmentation(spec, stored.network, chosen(samples, table, "validation"))
            content["training"]["test_time_augmentation"] = averaged
        tables = gather([stored], datasets.find_sets(data))[spec.name]
        if random_run is not None:
            tables.random_split = _other_split(spec, RunFolder(random_run), samples).rows
        record = record_text.of(Record, content | figures.computed(spec.labels, tables, spec.claims))
        # All of them stand complete before the first is put in place; the record, which names the weights' hash, comes last.
        record_files.save(spec.name, record, tables, Path(beside))
        record_files.put_in_place(spec.name, Path(beside))
    return record


def _test_time_augmentation(spec: ModelSpec, network: keras.Model, validation: Sequence[datasets.Sample]) -> dict:
    """Figures on the validation that selected the weights, of one view of each picture and of those that are averaged."""
    blocks = {
        "one": measure(network, replace(spec, mirrored=False), validation).block,
        "averaged": measure(network, spec, validation).block,
    }
    kept = {"n", "balanced_accuracy", "macro_auc"}
    return {views: block.model_dump(include=kept, exclude_unset=True) for views, block in blocks.items()}


def _other_split(spec: ModelSpec, run: RunFolder, samples: Sequence[datasets.Sample]) -> Measured:
    if (kind := read_json(run.config)["split"]["kind"]) != "random":
        raise SkinModelError(f"Expected a run with --split random in {run.path}. Received: {kind}")
    return measure(trained(spec, run), spec, chosen(samples, run_split(run, samples), "test"))


def _stored(
    network: keras.Model, spec: ModelSpec, test: Sequence[datasets.Sample], folder: Path, float32: bool
) -> tuple[Path, str]:
    """Write the weights as float16 where that is harmless; the file and its type."""
    file = folder / f"{spec.name}.weights.h5"
    network.save_weights(file)
    if float32:
        return file, "float32"
    half_file = folder / "half.weights.h5"
    if not copy_as_float16(file, half_file):
        print("Kept as float32: some weights are beyond what float16 holds")
        half_file.unlink()
        return file, "float32"
    full = measure(weights.load_file(spec, file), spec, test)
    half = measure(weights.load_file(spec, half_file), spec, test)
    before, after = (its.block.content() for its in (full, half))
    moved = max(abs(before[name] - after[name]) for name, value in before.items() if isinstance(value, float))
    print(f"As float16 no test figure moves by more than {moved:.5f}")
    if moved > TOLERANCE:
        half_file.unlink()
        return file, "float32"
    half_file.replace(file)
    return file, "float16"


def copy_as_float16(source: Path, target: Path) -> bool:
    """Copy a ``.weights.h5`` file with its floating-point arrays rounded to float16 and compressed.

    Returns whether float16 holds every weight.
    """
    finite = True
    with h5py.File(source) as old, h5py.File(target, "w") as new:

        def copy(name: str, item: h5py.Group | h5py.Dataset) -> None:
            nonlocal finite
            if isinstance(item, h5py.Group):
                new.require_group(name).attrs.update(item.attrs)
                return
            values = item[()]
            if np.issubdtype(values.dtype, np.floating):
                values = values.astype(np.float16)
                finite &= bool(np.isfinite(values).all())
            packed = {"compression": "gzip", "shuffle": True} if values.size > 1000 else {}
            new.create_dataset(name, data=values, **packed).attrs.update(item.attrs)

        new.attrs.update(old.attrs)
        old.visititems(copy)
    return finite


def _record(spec: ModelSpec, run: RunFolder, pictures: dict[str, int], file: Path, stored_as: str) -> dict:
    """All of the record but its figures."""
    config, state = read_json(run.config), run.state()
    recipe = config["recipe"]
    parts = [*([RunFolder(run.path / FIRST)] if recipe["first"] else []), run]
    history = [row for part in parts for row in part.state().history]
    return {
        "schema_version": SCHEMA_VERSION,
        "name": spec.name,
        "source": "paper" if spec.paper else "ours",
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "params": spec.params,
        "file_bytes": file.stat().st_size,
        "labels": list(spec.labels),
        "split": {**config["split"], "n": pictures},
        "training": {
            "command": _command(config, [part.state().epoch for part in parts if not part.done()]),
            "configuration": {key: value for key, value in config.items() if key not in ("recipe", "versions")}
            | {"recipe": recipe},
            "deviations": _deviations(config),
            "schedule": config["schedule"] if all(its.done() for its in parts) else "reduced",
            "epochs": len(history),
            "best_epoch": len(history) - state.epoch + state.best_epoch,
            "versions": config["versions"],
            "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
            "stored_as": stored_as,
        },
        "history": [
            {key: round(value, 6) for key, value in row.items()} | {"epoch": i} for i, row in enumerate(history, start=1)
        ],
    }


def _command(config: dict, ended: Sequence[int] = ()) -> str:
    """The command that trains so far. ``ended``: the epoch after which a run was left that was to have more."""
    backend = config["versions"].get("backend", "tensorflow")
    words = [f"KERAS_BACKEND={backend}"] if backend != "tensorflow" else []
    words += [f"python -m training.train {config['name']} --data {' '.join(config['data'])}"]
    words += [f"--split {config['split']['kind']} --seed {config['seed']}"]
    words += [f"--start {config['start']}"] if config["start"] else []
    words += [f"--precision {config['precision']}"] if "precision" in config else []
    words += ["--imagenet"] if "imagenet" in config else []
    usual, its = recipe_for(config["name"], "imagenet" in config), config["recipe"]
    if usual.first:  # of which the options take no more than there is, and that is the longer part
        usual, its = usual.first, its["first"]
    its = its | {"epochs": min([its["epochs"], *ended])}
    for option in ("epochs", "steps"):
        if its[option] != getattr(usual, option):
            words.append(f"--{option} {its[option]}")
    return " ".join(words)


def _deviations(config: dict) -> list[str]:
    """As the recipe words them today."""
    return list(recipe_for(config["name"], "imagenet" in config).deviations)


if __name__ == "__main__":
    sys.exit(main())
