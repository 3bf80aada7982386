"""How fast many pictures go through, in how much memory.

Run it from the repository: PYTHONPATH=. python tests/benchmarks/batch.py

Throughput: pictures a second from JPEG files to a file of rows by the command line, its network loaded, against the bare
compiled call of the network at its best batch size, on pixels that lie ready. Memory: the most the command line held, for few
and for many pictures. Compare: all models on one picture through the page's endpoint, against the sum of their bare compiled
calls and the round trip to the same page with its networks alone replaced by a constant. What is compared is asked in turn.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from gradio_client import Client, handle_file
from serving import CONSTANT, PAGE, serving

from skinmodels import examples, inference
from skinmodels.registry import MODELS

ROOT = Path(__file__).resolve().parents[2]

LEAST_THROUGHPUT = 0.8
MOST_COMPARE = 1.15
# How much more memory twenty times the pictures may take: names of files, and noise.
MOST_GROWTH = 1.1

MODEL = "isic_mobilenet"
DIFFERENT = 100
BATCH_SIZES = (8, 16, 32, 64, 128)

# The command line, again and again in one process.
COMMANDS = """
import sys, tempfile, time
from pathlib import Path
from skinmodels import batch, cli
batch.for_throughput()
for line in sys.stdin:
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        code = cli.main(["batch", line.strip(), "--out", str(Path(folder) / "rows.csv"), "--model", sys.argv[1]])
        print("" if code else time.perf_counter() - began, flush=True)
"""


def pictures(folder: Path, count: int, size: tuple[int, int]) -> Path:
    """``count`` JPEG files of ``size`` (height, width), of which a hundred are different and the others links to them."""
    folder.mkdir()
    for i in range(count):
        path = folder / f"{i:06}.jpg"
        if i < DIFFERENT:
            examples.draw(i, size).save(path, quality=90)
        else:
            os.link(folder / f"{i % DIFFERENT:06}.jpg", path)
    return folder


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


@contextlib.contextmanager
def commands() -> Iterator[Callable[[Path], float]]:
    """A function that gives the seconds that the command line takes for a folder, in a process set up as it sets itself up."""
    process = subprocess.Popen(
        [sys.executable, "-c", COMMANDS, MODEL],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    asking, answering = process.stdin, process.stdout
    assert asking is not None
    assert answering is not None

    def answered(root: Path) -> float:
        print(root, file=asking, flush=True)
        return float(answering.readline())

    try:
        yield answered
    finally:
        asking.close()
        process.wait()


def throughput(count: int, repeats: int) -> None:
    network = inference._model(MODELS[MODEL]).network
    values = np.random.default_rng(0).uniform(-1, 1, (count, *MODELS[MODEL].preprocessing.size, 3)).astype(np.float32)

    def bare(size: int) -> None:
        for start in range(0, count, size):
            network.predict_on_batch(values[start : start + size])

    with tempfile.TemporaryDirectory() as folder, commands() as answered:
        sets = {
            "224x224": pictures(Path(folder) / "small", count, (224, 224)),
            "600x450": pictures(Path(folder) / "large", count, (450, 600)),
        }
        works = {f"bare, {size} at once": partial(seconds, partial(bare, size)) for size in BATCH_SIZES}
        works |= {f"files of {name}": partial(answered, root) for name, root in sets.items()}
        for work in works.values():
            work()
        times: dict[str, list[float]] = {name: [] for name in works}
        for _ in range(repeats):
            for name, work in works.items():
                times[name].append(work())
    rates = {name: count / statistics.median(its) for name, its in times.items()}
    best = max(rates[f"bare, {size} at once"] for size in BATCH_SIZES)
    print(f"{MODEL}, {count} pictures, median of {repeats}, taken in turn")
    for name, rate in rates.items():
        print(f"  {name:20} {rate:7.1f} pictures/s   {rate / best:5.2f} of the best bare call")
    ratio = rates["files of 224x224"] / best
    print(f"  at least {LEAST_THROUGHPUT}: {'yes' if ratio >= LEAST_THROUGHPUT else 'NO'}")


def memory(few: int, many: int) -> None:
    print(f"\nMost memory of python -m skinmodels batch, {MODEL}, 224x224")
    peaks = []
    with tempfile.TemporaryDirectory() as folder:
        for count in (few, many):
            root = pictures(Path(folder) / str(count), count, (224, 224))
            out = Path(folder) / f"{count}.csv"
            command = [sys.executable, "-m", "skinmodels", "batch", str(root), "--out", str(out), "--model", MODEL]
            process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                raise SystemExit("The batch failed.")
            # Kilobytes on Linux.
            peaks.append(usage.ru_maxrss / 1024)
            print(f"  {count:7,} pictures {peaks[-1]:8.0f} MB")
    growth = peaks[1] / peaks[0]
    print(f"  ratio {growth:20.3f}      (at most {MOST_GROWTH}: {'yes' if growth <= MOST_GROWTH else 'NO'})")


def compare(repeats: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "drawn.jpg"
        picture = examples.draw(5, (450, 600))
        picture.save(file, quality=92)
        networks = []
        for spec in MODELS.values():
            values = spec.preprocessing.scale(spec.preprocessing.pixels(picture))[None]
            networks.append((inference._model(spec).network, values))
        with serving(PAGE) as real, serving(["-c", CONSTANT]) as constant:
            clients = [Client(f"http://127.0.0.1:{page.port}", verbose=False) for page in (real, constant)]

            def trip(client: Client) -> None:
                client.predict(handle_file(file), list(MODELS), api_name="/compare")

            works: list[Callable[[], object]] = [
                lambda: [network.predict_on_batch(values) for network, values in networks],
                lambda: trip(clients[0]),
                lambda: trip(clients[1]),
            ]
            for work in works * 5:
                work()
            times: list[list[float]] = [[], [], []]
            for i in range(repeats):
                for which in (0, 1, 2) if i % 2 else (2, 1, 0):
                    times[which].append(seconds(works[which]) * 1000)
    bare, page, nothing = map(statistics.median, times)
    ratio = page / (bare + nothing)
    print(f"\nAll {len(MODELS)} models on one picture, p50 of {repeats}, taken in turn (a drawn 600x450 JPEG)")
    print(f"  through /compare           {page:7.1f} ms")
    print(f"  bare compiled calls, sum   {bare:7.1f} ms")
    print(f"  constant round trip        {nothing:7.1f} ms")
    print(
        f"  ratio                      {ratio:7.2f}      (at most {MOST_COMPARE}: {'yes' if ratio <= MOST_COMPARE else 'NO'})"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=1024, help="for the throughput (0: leave this part out)")
    parser.add_argument("--repeats", type=int, default=5, help="of the throughput")
    parser.add_argument("--few", type=int, default=1000, help="pictures of the smaller run for memory (0: leave this part out)")
    parser.add_argument("--many", type=int, default=20_000, help="pictures of the larger run for memory")
    parser.add_argument("--compares", type=int, default=60, help="round trips to /compare (0: leave this part out)")
    options = parser.parse_args()
    if options.pictures:
        throughput(options.pictures, options.repeats)
    if options.few:
        memory(options.few, options.many)
    if options.compares:
        compare(options.compares)


if __name__ == "__main__":
    main()
