"""Train and publish everything that has no published weights or figures yet, then write the tables and cards anew.

Each network is trained and published in processes of their own, in runs/NAME under --out: those that others build on first,
those that take longest last. What was stopped goes on where it stood when the same command is given again; what is published
is left alone. What cannot be trained, since its data or its starting weights are missing, is named, and the rest goes on.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from skinmodels import weights
from skinmodels.errors import SkinModelError
from skinmodels.registry import MODELS
from training import optimisers
from training.baselines import BASELINES
from training.data import datasets
from training.fitting.pretrained import STARTS
from training.fitting.recipes import recipe_for
from training.fitting.runs import FIRST, RunFolder, read_json
from training.train import PRECISIONS

EXAMPLE = "example: python -m training.reproduce --data DIR --pretrained DIR"
# Networks on whose features baselines are trained.
REFERENCES = frozenset(its.builds_on for its in BASELINES.values() if its.builds_on)
# These first; then by how long each takes.
ORDER = sorted(MODELS, key=lambda name: (name not in REFERENCES, recipe_for(name).minutes))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line. Returns the exit status: 1 where anything could not be done."""
    parser = argparse.ArgumentParser(prog="python -m training.reproduce", description=__doc__, epilog=EXAMPLE)
    parser.add_argument("--data", nargs="+", required=True, metavar="PATH", help="folders or .zip files of the data sets")
    files = " and ".join(its.file for its in STARTS.values() if its.file)
    where = "the folders of --data; Keras's MobileNetV2 is downloaded where there is none"
    parser.add_argument("--pretrained", metavar="DIR", help=f"folder of {files} (default: {where})")
    parser.add_argument("--epochs", type=int, help="of each network at most, instead of its recipe's")
    parser.add_argument("--precision", choices=PRECISIONS, default=PRECISIONS[0], help="of the computation of new runs")
    parser.add_argument("--out", default="runs", metavar="DIR", help="where the runs are kept (default: runs)")
    parser.add_argument("--list", action="store_true", help="print the commands and run nothing")
    given = parser.parse_args(arguments)
    plan = Plan(given.data, given.pretrained, given.epochs, given.precision, Path(given.out))
    try:
        missing = plan.missing()
    except SkinModelError as error:
        print(error, file=sys.stderr)
        return 1
    for sentence in missing.values():
        print(sentence, file=sys.stderr)
    if missing:
        print("Tables and cards are written once nothing is missing.", file=sys.stderr)
    for command in plan.commands(missing):
        print("python -m " + " ".join(command), flush=True)
        if given.list:
            continue
        if code := subprocess.call([sys.executable, "-m", *command]):
            return code
    return 1 if missing else 0


@dataclass(frozen=True)
class Plan:
    """What is to be done: the command line's data, pretrained weights, epochs, precision and folder of runs."""

    data: Sequence[str]
    pretrained: str | None
    epochs: int | None
    precision: str
    out: Path

    def missing(self) -> dict[str, str]:
        """Why what is not published yet cannot be made: networks and baselines, by name. Raises SkinModelError."""
        sets = datasets.find_sets(self.data)
        found: dict[str, str] = {}
        for name in (*ORDER, *BASELINES):
            if not self._made(name) and (why := self._obstacle(name, sets, found)):
                found[name] = why
        return found

    def _obstacle(self, name: str, sets: Collection[str], missing: Collection[str]) -> str:
        """One sentence, empty where nothing is in the way."""
        spec = BASELINES[name].spec if name in BASELINES else MODELS[name]
        if spec.dataset.key not in sets:
            return f"Expected {spec.dataset.title} for {name} under --data. Received: {', '.join(sets)}"
        if name in BASELINES:
            reference = BASELINES[name].builds_on
            unseen = reference in missing
            return f"Expected {reference}, whose features {name} sees. Received: no way to train it" if unseen else ""
        if (layer := recipe_for(name).start) is None:
            return ""
        start = self._start(name)
        if start is None and STARTS[layer].application:
            return ""
        if start is None or not start.is_file():
            where = start or f"{STARTS[layer].file} under --pretrained or --data"
            return f"Expected the ImageNet weights that {name} starts from at {where}. Received: no file"
        return ""

    def commands(self, without: Collection[str]) -> Iterator[list[str]]:
        """The modules to run and their arguments, in order. Looks anew at what there is before each of them."""
        for i, name in enumerate(ORDER, start=1):
            if name not in without and not self._made(name):
                yield from self._network(name)
            if i == len(REFERENCES):
                yield from self._baselines(without)
        if not without:
            if untimed := [name for name in MODELS if not _timed(name)]:
                yield ["training.latency", *untimed]
            if not weights.optimisers_path(optimisers.NAME).exists():
                run = self.out / "optimisers"
                compare = ["training.optimisers", "--data", *self.data, "--out", str(run)]
                yield compare + self._precision(run / next(iter(optimisers.OPTIMISERS)))
            yield ["training.tables"]
            yield ["training.cards"]

    def _made(self, name: str) -> bool:
        return _measured(name) if name in BASELINES else _published(name)

    def _network(self, name: str) -> Iterator[list[str]]:
        run, other = self.out / name, self.out / f"{name}-random"
        yield self._train(name, run)
        publish = ["training.publish", name, "--run", str(run), "--data", *self.data]
        if recipe_for(name).also_at_random:
            yield [*self._train(name, other), "--split", "random"]
            publish += ["--random-run", str(other)]
        yield publish

    def _train(self, name: str, run: Path) -> list[str]:
        command = ["training.train", name, "--data", *self.data, "--out", str(run)]
        if start := self._start(name):
            command += ["--start", str(start)]
        recipe = recipe_for(name)
        longest = max(its.epochs for its in (recipe, recipe.first) if its)
        if self.epochs is not None and self.epochs < longest:
            command += ["--epochs", str(self.epochs)]
        if any(RunFolder(folder).begun() for folder in (run, run / FIRST)):
            command += ["--resume"]
        return command + self._precision(run)

    def _precision(self, run: Path) -> list[str]:
        """As a run was begun, or as it was asked for. Raises SkinModelError where its configuration cannot be read."""
        begun = next((folder for folder in (run, run / FIRST) if RunFolder(folder).begun()), None)
        its = read_json(RunFolder(begun).config).get("precision", PRECISIONS[0]) if begun else self.precision
        return ["--precision", its] if its != PRECISIONS[0] else []

    def _start(self, name: str) -> Path | None:
        """The file the network starts from, which may not exist; None where there is none to name."""
        if (layer := recipe_for(name).start) is None:
            return None
        if self.pretrained:
            return Path(self.pretrained) / STARTS[layer].file
        beside = (Path(folder) / STARTS[layer].file for folder in self.data)
        return next((file for file in beside if file.is_file()), None)

    def _baselines(self, without: Collection[str]) -> Iterator[list[str]]:
        for name in BASELINES:
            if name not in without and not self._made(name):
                yield ["training.baselines", name, "--data", *self.data]


def _measured(name: str) -> bool:
    """Whether that baseline has a record, made with the reference network that is published."""
    try:
        seen = weights.read_record(name).training.configuration.reference_sha256
    except SkinModelError:
        return False
    reference = BASELINES[name].builds_on
    return seen is None or (_published(reference) and seen == weights.read_record(reference).sha256)


def _published(name: str) -> bool:
    try:
        weights.check(name)
    except SkinModelError:
        return False
    return True


def _timed(name: str) -> bool:
    try:
        return weights.read_record(name).latency is not None
    except SkinModelError:
        return False


if __name__ == "__main__":
    sys.exit(main())
