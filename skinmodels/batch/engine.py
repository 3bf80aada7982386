"""Any number of pictures through any models: one generator for the page, the command line and every worker of Ray."""

from __future__ import annotations

import ctypes
import hashlib
import io
import os
import platform
import threading
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice

from PIL import Image

from skinmodels import images, inference, weights
from skinmodels.batch.picture_files import PictureFile, Reader
from skinmodels.batch.rows import Row
from skinmodels.errors import SkinModelError
from skinmodels.registry import MODELS
from skinmodels.spec import Preprocessing
from skinmodels.versions import versions

# Of malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3

# Pictures in one call of a network.
BATCH_SIZE = 32


def for_throughput() -> None:
    """Sets a process up for batches and nothing else; called before TensorFlow is imported.

    Batches go through a network side by side, each on one processor: less work than one after the other on all of them. Where
    the C library is glibc, the memory of one batch is kept for the next (up to 256 MB), not given back and asked for again.
    """
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    if platform.libc_ver()[0] == "glibc":
        library = ctypes.CDLL(None)
        library.mallopt(_MMAP_THRESHOLD, 32 * 1024**2)
        library.mallopt(_TRIM_THRESHOLD, 256 * 1024**2)


def check(names: Iterable[str]) -> list[tuple[str, str]]:
    """Name and weights SHA-256 of each of these models, each once. Raises SkinModelError where one cannot be used."""
    return [(name, weights.check(name).sha256) for name in dict.fromkeys(names)]


def rows(
    files: Iterable[PictureFile],
    models: Sequence[tuple[str, str]],
    *,
    batch_size: int = BATCH_SIZE,
    workers: int | None = None,
    reader: Reader | None = None,
) -> Generator[Row, None, None]:
    """A row for each picture and model, all rows of a picture together, pictures in their order.

    A picture that cannot be read gives one row with its error. ``files`` is read no further than two batches for each worker
    ahead, and each picture is kept only as large as the networks' training pictures were, so memory does not grow with their
    number. Closing the generator stops the work.

    Args:
        files: as ``collection.found`` gives them.
        models: as ``check`` gives them.
        batch_size: pictures in one call of a network, at least 1.
        workers: threads that each read a batch and put it through the networks; one more than processors where not given. Each
            goes on by itself, so one decodes while another is in a network.
        reader: opens the files; one of its own, closed at the end, where not given.

    Raises:
        SkinModelError: a model's weights cannot be loaded.
    """
    # One more than processors: while one thread waits for a file or for the writer, none of them rests.
    workers = workers or (os.cpu_count() or 1) + 1
    left = iter(files)
    stop = threading.Event()
    waiting: deque[Future[list[Row]]] = deque()
    opened = reader or Reader()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="batch")
    try:
        while True:
            while len(waiting) < 2 * workers and (batch := list(islice(left, batch_size))):
                waiting.append(pool.submit(_answer, batch, models, opened, stop))
            if not waiting:
                return
            yield from waiting.popleft().result()
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)
        if reader is None:
            opened.close()


def _answer(
    files: Sequence[PictureFile], models: Sequence[tuple[str, str]], reader: Reader, stop: threading.Event
) -> list[Row]:
    """The rows of one batch; cut short once ``stop`` is set."""
    views: dict[Preprocessing, list[Image.Image]] = {MODELS[name].preprocessing: [] for name, _ in models}
    read: list[Row] = []
    for file in files:
        if stop.is_set():
            return []
        read.append(_read(file, reader, views))
    good = [i for i, row in enumerate(read) if not row.error]
    found: list[list[Row]] = [[row] if row.error else [] for row in read]
    for name, digest in models:
        if stop.is_set():
            return []
        predictions = inference.predict_batch(name, views[MODELS[name].preprocessing])
        for i, prediction in zip(good, predictions, strict=True):
            found[i].append(
                Row(
                    read[i].file,
                    read[i].sha256,
                    name,
                    digest,
                    prediction.probabilities,
                    prediction.malignancy,
                    prediction.conformal,
                    read[i].versions,
                )
            )
    return [row for its in found for row in its]


def _read(file: PictureFile, reader: Reader, views: dict[Preprocessing, list[Image.Image]]) -> Row:
    """The picture's row without an answer; adds it to ``views``, no larger than each needs it, or nothing where it is bad."""
    digest = ""
    try:
        data = reader.read(file)
        digest = hashlib.sha256(data).hexdigest()
        picture = images.read(_Named(data, file.name))
    except SkinModelError as error:
        return Row(file.name, digest, versions=versions(), error=str(error))
    for preprocessing, its in views.items():
        its.append(preprocessing.reduced(picture))
    return Row(file.name, digest, versions=versions())


class _Named(io.BytesIO):
    """A file in memory with a name for the reader's sentences."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = name
