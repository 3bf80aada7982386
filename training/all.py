"""Train and publish everything that has no published weights or figures yet, then write the tables and cards anew.

Each network is trained and published in processes of their own, in runs/NAME under --out: those that others build on
first. What was stopped goes on where it stood when the same command is given again; what is published
is left alone. What cannot be trained, since its data or its starting weights are missing, is named, and the rest goes on.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from skinmodels import weights
from skinmodels.errors import SkinModelError
from skinmodels.registry import MODELS
from training import datasets
from training.baselines import BASELINES
from training.recipes import RECIPES, recipe_for
from training.runs import RunFolder
from training.train import FIRST

EXAMPLE = "example: python -m training.all --data DIR --pretrained DIR"
# The ImageNet weights a network starts from, by the name of the layer that ends them; looked for under --pretrained.
STARTS = {"out_relu": "mobilenet_v2_imagenet_notop.weights.h5", "stage3_unit6_add": "resnet50v2_imagenet_stages123.npz"}
# Networks of which Keras has such weights too.
ONLINE = "out_relu"
# Published with a second run, on pictures split at random as in its paper.
RANDOM = "ham_cnn28"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line. Returns the exit status: 1 where anything could not be done."""
    parser = argparse.ArgumentParser(prog="python -m training.all", description=__doc__, epilog=EXAMPLE)
    parser.add_argument("--data", nargs="+", required=True, metavar="PATH", help="folders or .zip files of the data sets")
    files = " and ".join(STARTS.values())
    parser.add_argument("--pretrained", metavar="DIR", help=f"folder of {files} (default: Keras's, downloaded)")
    parser.add_argument("--epochs", type=int, help="of each network at most, instead of its recipe's")
    parser.add_argument("--out", default="runs", metavar="DIR", help="where the runs are kept (default: runs)")
    parser.add_argument("--list", action="store_true", help="print the commands and run nothing")
    given = parser.parse_args(arguments)
    plan = Plan(given.data, given.pretrained, given.epochs, Path(given.out))
    try:
        missing = plan.missing()
    except SkinModelError as error:
        print(error, file=sys.stderr)
        return 1
    for sentence in missing.values():
        print(sentence, file=sys.stderr)
    for command in plan.commands(set(missing)):
        print("python -m " + " ".join(command), flush=True)
        if given.list:
            continue
        if code := subprocess.call([sys.executable, "-m", *command]):
            return code
    return 1 if missing else 0


@dataclass(frozen=True)
class Plan:
    """What is to be done: the command line's data, pretrained weights, epochs and folder of runs."""

    data: Sequence[str]
    pretrained: str | None
    epochs: int | None
    out: Path

    def missing(self) -> dict[str, str]:
        """Why a network that has no weights yet cannot be trained, by name. Raises SkinModelError."""
        sets = datasets.find_sets(self.data)
        found = {}
        for name in order():
            key, start = MODELS[name].dataset.key, self._start(name)
            if _published(name):
                continue
            if key not in sets:
                found[name] = f"Expected {MODELS[name].dataset.title} for {name} under --data. Received: {', '.join(sets)}"
            elif start is None and recipe_for(name).start not in (None, ONLINE):
                found[name] = f"Expected --pretrained, the folder of the ImageNet weights {name} starts from. Received: none"
            elif start is not None and not start.is_file():
                found[name] = f"Expected the ImageNet weights that {name} starts from at {start}. Received: no file"
        return found

    def commands(self, without: set[str]) -> Iterator[list[str]]:
        """The modules to run and their arguments, in order. Looks anew at what there is before each of them."""
        papers = next(name for name in order() if MODELS[name].paper is not None)
        for name in order():
            if name == papers:  # our own is published, whose features they see
                yield from self._baselines()
            if name not in without and not _published(name):
                yield from self._network(name)
        if not without:
            if untimed := [name for name in MODELS if not _timed(name)]:
                yield ["training.latency", *untimed]
            yield ["training.tables"]
            yield ["training.cards"]

    def _network(self, name: str) -> Iterator[list[str]]:
        run, other = self.out / name, self.out / f"{name}-random"
        yield self._train(name, run)
        publish = ["training.publish", name, "--run", str(run), "--data", *self.data]
        if name == RANDOM:
            yield [*self._train(name, other), "--split", "random"]
            publish += ["--random-run", str(other)]
        yield publish

    def _train(self, name: str, run: Path) -> list[str]:
        command = ["training.train", name, "--data", *self.data, "--out", str(run)]
        if start := self._start(name):
            command += ["--start", str(start)]
        if self.epochs is not None and self.epochs < recipe_for(name).epochs:
            command += ["--epochs", str(self.epochs)]
        if any(RunFolder(folder).begun() for folder in (run, run / FIRST)):
            command += ["--resume"]
        return command

    def _start(self, name: str) -> Path | None:
        layer = recipe_for(name).start
        return Path(self.pretrained) / STARTS[layer] if self.pretrained and layer else None

    def _baselines(self) -> Iterator[list[str]]:
        for name in BASELINES:
            if not weights.record_path(name).exists():
                yield ["training.baselines", name, "--data", *self.data]


def order() -> list[str]:
    """Names of the networks: the reference first, on whose features baselines are trained."""
    return sorted(RECIPES, key=lambda name: MODELS[name].paper is not None)


def _published(name: str) -> bool:
    try:
        weights.check(name)
    except SkinModelError:
        return False
    return True


def _timed(name: str) -> bool:
    return weights.record_path(name).exists() and "latency" in weights.read_record(name)


if __name__ == "__main__":
    sys.exit(main())
