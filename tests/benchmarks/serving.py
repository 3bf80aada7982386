"""How fast the page starts, and what the networks add to a request.

Run it from the repository: PYTHONPATH=. python tests/benchmarks/serving.py

Start: seconds from starting the process to the first page over HTTP, against an empty gradio page launched in the same way.
Requests: the middle round trip of each model through gradio_client, against the same page with its networks alone replaced by
a constant; same file, reader, preprocessing and widgets. Both pages run at once and are asked in turn.
Memory: what a page holds at most that was asked about a picture, and about a batch of 32, with every model (Linux).
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from gradio_client import Client, handle_file

from skinmodels import examples
from skinmodels.registry import MODELS

ROOT = Path(__file__).resolve().parents[2]

MOST_START = 1.5
MOST_TRIP = 1.3
MOST_GB = 2.5

EMPTY = """
import sys
import gradio as gr
from skinmodels.ui.launch import LAUNCH
with gr.Blocks(analytics_enabled=False) as demo:
    pass
demo.launch(server_port=int(sys.argv[2]), quiet=True, **LAUNCH)
"""

CONSTANT = """
import sys
import numpy as np
from skinmodels import inference

class Constant:
    def __init__(self, spec):
        self.row = np.full((1, 1 if spec.binary else len(spec.labels)), 1 / len(spec.labels), np.float32)

    def predict_on_batch(self, values):
        return np.repeat(self.row, len(values), axis=0)

inference._model = lambda spec: inference.Loaded(Constant(spec), {})
import app
sys.exit(app.main(sys.argv[1:]))
"""

PAGE = ["app.py"]


class Served(NamedTuple):
    """A running page: its port, the seconds until it answered, and its process."""

    port: int
    seconds: float
    pid: int


def port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def serving(command: list[str]) -> Iterator[Served]:
    """Runs ``python <command> --port N``."""
    number = port()
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *command, "--port", str(number)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not answers(number):
            if process.poll() is not None:
                raise SystemExit(f"The server ended before it answered: {command[0]}")
            time.sleep(0.02)
        yield Served(number, time.perf_counter() - began, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def answers(number: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", number, timeout=30)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def starts(repeats: int) -> None:
    ours: list[float] = []
    empty: list[float] = []
    for _ in range(repeats):
        for times, command in ((empty, ["-c", EMPTY]), (ours, PAGE)):
            with serving(command) as page:
                times.append(page.seconds)
    ratio = statistics.median(ours) / statistics.median(empty)
    print(f"First page after start, median of {repeats}, taken in turn")
    print(f"  this page            {statistics.median(ours):6.2f} s   ({min(ours):.2f} to {max(ours):.2f})")
    print(f"  empty gradio page    {statistics.median(empty):6.2f} s   ({min(empty):.2f} to {max(empty):.2f})")
    print(f"  ratio                {ratio:6.2f}     (at most {MOST_START}: {'yes' if ratio <= MOST_START else 'NO'})")


def trips(repeats: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "drawn.jpg"
        examples.draw(5, (450, 600)).save(file, quality=92)
        with serving(PAGE) as real, serving(["-c", CONSTANT]) as constant:
            clients = [Client(f"http://127.0.0.1:{page.port}", verbose=False) for page in (real, constant)]
            # Every model is loaded and every path taken before the clock starts.
            for name in MODELS:
                for client in clients:
                    for _ in range(5):
                        trip(client, file, name)
            print(f"\nRound trip through gradio_client, p50 of {repeats}, taken in turn (a drawn 600x450 JPEG)")
            print(f"  {'model':22} {'network':>10} {'constant':>10} {'difference':>11} {'ratio':>6}")
            for name in MODELS:
                times: tuple[list[float], list[float]] = ([], [])
                for i in range(repeats):
                    # Who goes first changes, so that neither always finds the caches the other left.
                    for which in (0, 1) if i % 2 else (1, 0):
                        times[which].append(trip(clients[which], file, name))
                network, nothing = (statistics.median(values) * 1000 for values in times)
                ratio = network / nothing
                print(
                    f"  {name:22} {network:7.1f} ms {nothing:7.1f} ms {network - nothing:8.1f} ms {ratio:6.2f}"
                    f"   (at most {MOST_TRIP}: {'yes' if ratio <= MOST_TRIP else 'NO'})"
                )


def trip(client: Client, file: Path, name: str) -> float:
    began = time.perf_counter()
    client.predict(handle_file(file), name, api_name=f"/{MODELS[name].dataset.key}")
    return time.perf_counter() - began


def memory() -> None:
    with tempfile.TemporaryDirectory() as folder, serving(PAGE) as page:
        files = [Path(folder) / f"{seed}.jpg" for seed in range(32)]
        for seed, file in enumerate(files):
            examples.draw(seed, (450, 600)).save(file, quality=92)
        client = Client(f"http://127.0.0.1:{page.port}", verbose=False)
        print("\nMost memory resident so far")
        print(f"  before any request     {most_resident(page.pid):5.2f} GB")
        for name in MODELS:
            trip(client, files[0], name)
        print(f"  a picture, all models  {most_resident(page.pid):5.2f} GB")
        for name in MODELS:
            client.predict([handle_file(file) for file in files], [name], api_name="/batch")
        most = most_resident(page.pid)
        print(f"  32, all models         {most:5.2f} GB   (at most {MOST_GB}: {'yes' if most <= MOST_GB else 'NO'})")


def most_resident(pid: int) -> float:
    """The peak of a process's resident memory in GB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", type=int, default=5, help="how often each page is started (0: leave this part out)")
    parser.add_argument("--trips", type=int, default=60, help="requests for each model and page (0: leave this part out)")
    parser.add_argument("--no-memory", action="store_true", help="leave this part out")
    options = parser.parse_args()
    if options.starts:
        starts(options.starts)
    if options.trips:
        trips(options.trips)
    if not options.no_memory:
        memory()


if __name__ == "__main__":
    main()
