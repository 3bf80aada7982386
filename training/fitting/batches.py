"""Training batches: which pictures an epoch shows, in which order, changed how."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
from imblearn.over_sampling import RandomOverSampler
from sklearn.utils.class_weight import compute_sample_weight

from training.fitting.augmentation import Augmentation, augment

Batch = tuple[np.ndarray, np.ndarray, np.ndarray]
# From indices of training pictures and a seed to what the network takes for them, float32.
Pictures = Callable[[np.ndarray, int], np.ndarray]


@dataclass(frozen=True)
class Augmented:
    """``Pictures`` made of uint8 pixels (n, height, width, 3), each time changed anew."""

    pixels: np.ndarray
    scale: Callable[[np.ndarray], np.ndarray]
    how: Augmentation

    def __call__(self, rows: np.ndarray, seed: int) -> np.ndarray:
        return self.scale(augment(self.pixels[rows], self.how, seed))


class Balance:
    """Which training pictures an epoch draws from, and what each counts in the loss."""

    def __init__(self, classes: np.ndarray, kind: str, threshold: int, seed: int) -> None:
        """``classes``: label index (n,) of the training part. ``kind``: as in ``Recipe.balance``."""
        if kind == "undersample":
            kind, threshold = "threshold", int(np.bincount(classes).min())
        self.classes, self.kind, self.threshold, self.seed = classes, kind, threshold, seed
        self.weights = np.ones(len(classes), np.float32)
        self._pool = np.arange(len(classes))
        if kind == "oversample":
            sampler = RandomOverSampler(random_state=seed)
            self._pool = sampler.fit_resample(self._pool[:, None], classes)[0][:, 0]
        elif kind == "threshold":
            sizes = np.bincount(classes)[classes]
            self.weights = np.maximum(1, threshold / sizes).astype(np.float32)
        elif kind == "weights":
            self.weights = compute_sample_weight("balanced", classes).astype(np.float32)
        elif kind not in ("natural", "adjusted"):
            raise ValueError(f"Expected a kind of balance as in Recipe. Received: {kind!r}")

    def pool(self, epoch: int) -> np.ndarray:
        """Indices the epoch draws from, each as often as it stands there."""
        if self.kind != "threshold":
            return self._pool
        random = np.random.default_rng((self.seed, epoch))
        members = (np.flatnonzero(self.classes == label) for label in range(self.classes.max() + 1))
        return np.concatenate([random.permutation(rows)[: self.threshold] for rows in members])


class Batches(keras.utils.PyDataset):
    """Batches (float32 pictures as the network takes them, label indices, loss weights).

    With MixUp (Zhang et al. 2018) labels are shares (n, classes) instead of indices: each picture is blended with its
    neighbour in the batch, in a ratio drawn from Beta(mixup, mixup), and so are their labels, by what each counts in the loss.

    Batch ``i`` of an epoch depends on (seed, epoch, i) alone, so that a run that was stopped goes on with the same pictures.
    """

    def __init__(
        self,
        pictures: Pictures,
        balance: Balance,
        batch_size: int,
        steps: int | None,
        epoch: int,
        seed: int,
        mixup: float = 0.0,
    ) -> None:
        """``steps``: batches an epoch has, or None for one pass over the pool. ``epoch``: the first one to give, from 0."""
        super().__init__(workers=1)  # one worker: batches reseed the process's random generators
        self.pictures, self.balance, self.batch_size = pictures, balance, batch_size
        self.seed, self.epoch, self.mixup = seed, epoch, mixup
        self.steps = steps or math.ceil(len(balance.pool(epoch)) / batch_size)
        self._order = self._draw()

    def _draw(self) -> np.ndarray:
        pool = self.balance.pool(self.epoch)
        random = np.random.default_rng((self.seed, self.epoch))
        passes = math.ceil(self.steps * self.batch_size / len(pool))
        whole = np.concatenate([random.permutation(pool) for _ in range(passes)])
        return whole[: self.steps * self.batch_size]

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, index: int) -> Batch:
        rows = self._order[index * self.batch_size : (index + 1) * self.batch_size]
        seed = int(np.random.SeedSequence((self.seed, self.epoch, index)).generate_state(1)[0])
        pictures = self.pictures(rows, seed)
        classes, weights = self.balance.classes[rows], self.balance.weights[rows]
        return self._mixed(pictures, classes, weights, seed) if self.mixup else (pictures, classes, weights)

    def _mixed(self, pictures: np.ndarray, classes: np.ndarray, weights: np.ndarray, seed: int) -> Batch:
        share = np.random.default_rng(seed).beta(self.mixup, self.mixup, len(pictures)).astype(np.float32)
        weighted = weights[:, None] * np.eye(self.balance.classes.max() + 1, dtype=np.float32)[classes]
        targets = share[:, None] * weighted + (1 - share[:, None]) * np.roll(weighted, 1, axis=0)
        counts = targets.sum(axis=1)
        blend, neighbours = share[:, None, None, None], pictures[np.roll(np.arange(len(pictures)), 1)]
        return blend * pictures + (1 - blend) * neighbours, targets / counts[:, None], counts

    def on_epoch_end(self) -> None:
        self.epoch += 1
        self._order = self._draw()
