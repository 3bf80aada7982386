"""The training loop.

``Model.fit`` wraps a PyDataset into a TensorFlow generator that makes the process give freed memory back after every step;
with activations of 100 MB and more that halves the speed of the 224-pixel networks on a CPU. This loop feeds the same
compiled step, the next batch being made in a thread meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import keras
from tqdm import tqdm


def loop(
    model: keras.Model, batches: keras.utils.PyDataset, callbacks: Sequence[keras.callbacks.Callback], first: int, last: int
) -> None:
    """Train epochs ``first`` to ``last - 1``, or until a callback sets ``model.stop_training``."""
    called = keras.callbacks.CallbackList(list(callbacks), model=model)
    model.stop_training = False
    called.on_train_begin()
    for epoch in range(first, last):
        called.on_epoch_begin(epoch)
        sums: dict[str, float] = {}
        bar = tqdm(_ahead(batches), f"epoch {epoch + 1}/{last}", len(batches), unit=" steps", mininterval=2)
        for number, batch in enumerate(bar, start=1):
            model.reset_metrics()
            for name, value in model.train_on_batch(*batch, return_dict=True).items():
                sums[name] = sums.get(name, 0.0) + float(value)
            bar.set_postfix({name: f"{value / number:.4f}" for name, value in sums.items()}, refresh=False)
        batches.on_epoch_end()
        called.on_epoch_end(epoch, {name: value / len(batches) for name, value in sums.items()})
        if model.stop_training:
            break
    called.on_train_end()


def _ahead(batches: keras.utils.PyDataset) -> Iterator[tuple]:
    """The batches in order, each made while the one before is trained on."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(batches.__getitem__, 0)
        for i in range(len(batches)):
            batch = coming.result()
            if i + 1 < len(batches):
                coming = pool.submit(batches.__getitem__, i + 1)
            yield batch
