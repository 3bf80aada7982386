"""Time every published model on one picture.

Reads weights/*; writes ``latency`` into each weights/NAME.json: the median time of a whole prediction on a 600x450 picture
(resizing, scaling, network, calibration) beside that of the bare compiled call on what the network is sent, both taken in
turns in this process. Times hold for the machine they were taken on, so no check compares them; their ratio holds elsewhere
too.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np

from skinmodels import examples, inference, record_text, weights
from skinmodels.errors import SkinModelError
from skinmodels.records import Latency
from skinmodels.registry import MODELS, model_spec

EXAMPLE = "example: python -m training.latency"
# Height and width of HAM10000's originals.
PICTURE = (450, 600)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m training.latency", description=__doc__, epilog=EXAMPLE)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(MODELS)} (default: all)")
    parser.add_argument("--rounds", type=int, default=60, help="how often each is timed (default: 60)")
    given = parser.parse_args(arguments)
    if given.rounds < 1:
        parser.error(f"expected --rounds of at least 1. Received: {given.rounds}")
    print(f"{'model':18} {'prediction':>12} {'bare call':>12} {'ratio':>7}")
    try:
        for name in given.names or MODELS:
            took = measure(model_spec(name).name, given.rounds)
            record_text.write(weights.record_path(name), weights.read_record(name).model_copy(update={"latency": took}))
            ratio = took.p50_ms / took.compiled_ms
            print(f"{name:18} {took.p50_ms:9.1f} ms {took.compiled_ms:9.1f} ms {ratio:7.2f}", flush=True)
    except SkinModelError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def measure(name: str, rounds: int) -> Latency:
    """Median milliseconds of a prediction and of the bare compiled call on one picture, and the number of cores."""
    picture = examples.draw(0, PICTURE)
    inference.predict(name, picture)  # loads and compiles
    network = inference.loaded(name).network
    spec = MODELS[name]
    values = spec.views(np.zeros((1, *spec.preprocessing.size, 3), np.float32))
    whole, bare = [], []
    for _ in range(rounds):
        whole.append(_seconds(lambda: inference.predict(name, picture)))
        bare.append(_seconds(lambda: network.predict_on_batch(values)))
    return Latency(
        p50_ms=round(statistics.median(whole) * 1000, 2),
        compiled_ms=round(statistics.median(bare) * 1000, 2),
        cores=len(os.sched_getaffinity(0)),
    )


def _seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
