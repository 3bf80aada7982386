"""``batch.rows`` on the workers of Ray Data, for archives larger than one machine. Ray is imported when it is asked for."""

from __future__ import annotations

import importlib
import json
import logging
import os
from collections.abc import Generator, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from skinmodels import weights
from skinmodels.batch import engine
from skinmodels.batch import rows as forms
from skinmodels.batch.picture_files import PictureFile, Reader
from skinmodels.batch.rows import Row
from skinmodels.errors import SkinModelError

WORKERS = 2


def rows(
    files: Iterable[PictureFile],
    models: Sequence[tuple[str, str]],
    *,
    batch_size: int = engine.BATCH_SIZE,
    workers: int = WORKERS,
) -> Generator[Row, None, None]:
    """The rows that ``batch.rows`` gives, in the same order, from workers of Ray Data.

    Runs on the cluster that ``$RAY_ADDRESS`` names, else on workers of this machine, which are ended with the generator. Every
    worker must find the pictures, the weights and this package under the paths they have here.

    Args:
        files: all named before the work starts.
        models: as ``batch.check`` gives them.
        batch_size: pictures in one call of a network.
        workers: processes that each load the networks.

    Raises:
        SkinModelError: Ray is not installed.
    """
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    ray, data = _ray()
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    items = [asdict(file) for file in files]
    if not items:
        return
    started = not ray.is_initialized()
    if started:
        # Ray waits for ever for a processor for each worker, where a machine has fewer.
        local = {} if os.environ.get("RAY_ADDRESS") else {"num_cpus": max(workers, os.cpu_count() or 1)}
        quiet: dict[str, Any] = {"log_to_driver": False, "include_dashboard": False, "logging_level": "ERROR"}
        ray.init(runtime_env={"env_vars": _environment()}, **quiet, **local)
    try:
        context = data.DataContext.get_current()
        context.execution_options.preserve_order = True
        context.enable_progress_bars = False
        answered = data.from_items(items).map_batches(
            _Worker, fn_constructor_args=(list(models),), batch_size=batch_size, compute=data.ActorPoolStrategy(size=workers)
        )
        for answer in answered.iter_rows():
            yield forms.from_json(json.loads(answer["row"]))
    finally:
        if started:
            ray.shutdown()


class _Worker:
    """Answers batch after batch in one process, its networks loaded and its archives open."""

    def __init__(self, models: Sequence[tuple[str, str]]) -> None:
        engine.for_throughput()
        self.models = models
        self.reader = Reader()

    def __call__(self, items: dict[str, Any]) -> dict[str, list[str]]:
        files = [
            PictureFile(name, path, None if member is None or member != member else int(member))
            for name, path, member in zip(items["name"], items["path"], items["member"], strict=True)
        ]
        answers = engine.rows(files, self.models, batch_size=len(files), workers=1, reader=self.reader)
        # As text: columns of one type, whatever labels a model has.
        return {"row": [json.dumps(forms.as_json(row)) for row in answers]}


def _environment() -> dict[str, str]:
    """What a worker needs to find the package and the weights."""
    package = str(Path(__file__).resolve().parents[2])
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"PYTHONPATH": os.pathsep.join(paths), "SKINMODELS_WEIGHTS": str(weights.folder().resolve())}


def _ray() -> tuple[Any, Any]:
    try:
        return importlib.import_module("ray"), importlib.import_module("ray.data")
    except ImportError:
        raise SkinModelError(
            "Expected Ray for this engine: install it with pip install -r requirements-ray.txt. Received: a Python without it."
        ) from None
