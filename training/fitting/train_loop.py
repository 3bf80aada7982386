"""The training loop.

``Model.fit`` wraps a PyDataset into a TensorFlow generator that makes the process give freed memory back after every step;
with activations of 100 MB and more that halves the speed of the 224-pixel networks on a CPU. This loop feeds the same
compiled step, the next batches being made in threads meanwhile.
"""

from __future__ import annotations

from collections import deque
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
    """The batches in order, each made while those before it are trained on."""
    # KerasCV draws from generators of the process, so that there can be one batch at a time in the making; on JAX a batch is a
    # function of its seed alone, and an accelerator outruns one thread.
    threads = 4 if keras.backend.backend() == "jax" else 1
    with ThreadPoolExecutor(threads) as pool:
        coming = deque(pool.submit(batches.__getitem__, i) for i in range(min(threads, len(batches))))
        for i in range(len(batches)):
            batch = coming.popleft().result()
            if i + threads < len(batches):
                coming.append(pool.submit(batches.__getitem__, i + threads))
            yield batch
