"""Train and publish everything that has no published weights or figures yet, then write the tables and model cards anew.

Each network is trained and published in processes of their own, those that others build on first, in runs/NAME under --out.
What was stopped goes on where it stood when the same command is given again; what is published is left alone.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from skinmodels import weights
from skinmodels.errors import SkinModelError
from skinmodels.registry import MODELS
from training.baselines import BASELINES
from training.recipes import RECIPES, recipe_for
from training.runs import RunFolder
from training.train import FIRST

EXAMPLE = "example: python -m training.all --data DIR --pretrained DIR"
# The ImageNet weights a network starts from, by the name of the layer that ends them; looked for under --pretrained.
STARTS = {"out_relu": "mobilenet_v2_imagenet_notop.weights.h5", "stage3_unit6_add": "resnet50v2_imagenet_stages123.npz"}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m training.all", description=__doc__, epilog=EXAMPLE)
    parser.add_argument("--data", nargs="+", required=True, metavar="PATH", help="folders or .zip files of the data sets")
    parser.add_argument("--pretrained", metavar="DIR", help="folder of ImageNet weights (default: Keras's, downloaded)")
    parser.add_argument("--out", default="runs", metavar="DIR", help="where the runs are kept (default: runs)")
    parser.add_argument("--list", action="store_true", help="print the commands and run nothing")
    given = parser.parse_args(arguments)
    for command in commands(given.data, given.pretrained, Path(given.out)):
        print("python -m " + " ".join(command), flush=True)
        if given.list:
            continue
        if code := subprocess.call([sys.executable, "-m", *command]):
            return code
    return 0


def commands(data: Sequence[str], pretrained: str | None, out: Path) -> Iterator[list[str]]:
    """The modules to run and their arguments, in order. Looks anew at what there is before each of them."""
    published = 0
    for name in order():
        if _published(name):
            continue
        published += 1
        run = out / name
        yield _train(name, data, pretrained, run)
        yield ["training.publish", name, "--run", str(run), "--data", *data]
    for name in BASELINES:
        if not weights.record_path(name).exists():
            published += 1
            yield ["training.baselines", name, "--data", *data]
    if published:
        yield ["training.latency"]
        yield ["training.tables"]
        yield ["training.cards"]


def order() -> list[str]:
    """Names of the networks, the reference first, since baselines are trained on its features."""
    return sorted(RECIPES, key=lambda name: MODELS[name].paper is not None)


def _published(name: str) -> bool:
    try:
        weights.check(name)
    except SkinModelError:
        return False
    return True


def _train(name: str, data: Sequence[str], pretrained: str | None, run: Path) -> list[str]:
    command = ["training.train", name, "--data", *data, "--out", str(run)]
    recipe = recipe_for(name)
    if pretrained and recipe.start:
        command += ["--start", str(Path(pretrained) / STARTS[recipe.start])]
    if any(RunFolder(folder).begun() for folder in (run, run / FIRST)):
        command += ["--resume"]
    return command


if __name__ == "__main__":
    sys.exit(main())
