"""What several tests share: drawn and real pictures, a folder of weights, and the page, served for all tests, in Chromium.

With requirements.txt alone, tests that need more (training, a browser) are left out, and the head of the run says so.
"""

from __future__ import annotations

import ast
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from skinmodels import examples, weights
from skinmodels.registry import MODELS

if TYPE_CHECKING:
    import pandas as pd
    from playwright.sync_api import Browser, Locator, Page

    from skinmodels.spec import ModelSpec
    from training.data import datasets
    from training.data.files import Root

ROOT = Path(__file__).resolve().parent.parent
# What training/ and tests import beyond requirements.txt.
TRAINING = ("pandas", "scipy", "imblearn", "imagehash", "yaml", "huggingface_hub")

# The public sets, for tests that need real pictures: those that the published networks were trained and measured on.
DATA = ROOT.parent / "shared" / "data"
SETS = (
    "ham10000.zip",
    "isic2019_part.zip",
    "kaggle_malignant_vs_benign.zip",
    "melanoma_10k.zip",
    "pad_ufes_part.zip",
)

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# The first answer may wait for its model to load.
PATIENCE = 120_000
# Processes that run tests side by side where pytest-xdist is installed; tests of a file stay together and share what they
# start.
PROCESSES = 2


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    alone = config.pluginmanager.hasplugin("xdist") and not hasattr(config, "workerinput")
    if alone and config.option.numprocesses is None and not config.option.collectonly:
        config.option.numprocesses, config.option.dist = PROCESSES, "loadfile"


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    return True if collection_path.name.startswith("test_") and lacking(collection_path) else None


def pytest_report_header() -> str:
    left_out = {file.name: its for file in sorted(Path(__file__).parent.rglob("test_*.py")) if (its := lacking(file))}
    needed = sorted({name for names in left_out.values() for name in names})
    return f"left out: {len(left_out)} files that need requirements-dev.txt ({', '.join(needed)})" if left_out else ""


@cache
def lacking(file: Path) -> tuple[str, ...]:
    """Packages that a file of tests imports, itself or through training/, and that are not installed."""
    imported = {name.partition(".")[0] for name in _imports(file)}
    if {"training", "drawn_data"} & imported:
        imported |= set(TRAINING)
    return tuple(sorted(name for name in imported if importlib.util.find_spec(name) is None))


def _imports(file: Path) -> Iterator[str]:
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@dataclass(frozen=True)
class Server:
    """A running page: its address without a slash at the end, and the file its output goes to."""

    url: str
    output: Path


def sets_at_hand() -> list[Path]:
    """The archives of ``SETS`` that lie on this machine."""
    return [DATA / name for name in SETS if (DATA / name).exists()]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def start(
    weights_folder: Path, output: Path, *arguments: str, program: tuple[str, ...] = ("app.py",)
) -> tuple[subprocess.Popen, Server]:
    """Starts ``app.py``, or another program, on a free port and waits until it answers. The caller ends the process."""
    port = free_port()
    environment = os.environ | {"SKINMODELS_WEIGHTS": str(weights_folder), "PYTHONUNBUFFERED": "1"}
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, *program, "--port", str(port), *arguments],
            cwd=ROOT,
            env=environment | {"PYTHONPATH": str(ROOT)},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/", timeout=10):
                return process, Server(url, output)
        except OSError:
            time.sleep(0.2)
    process.kill()
    process.wait()
    raise RuntimeError(f"The page did not start:\n{output.read_text(errors='replace')}")


def stop(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def weights_folder() -> Path:
    """The published weights and records."""
    return ROOT / "weights"


@pytest.fixture
def own_weights(weights_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the weights that a test may damage; ``skinmodels.weights`` looks there."""
    folder = tmp_path / "weights"
    folder.mkdir()
    for name in MODELS:
        for suffix in (".json", ".weights.h5"):
            shutil.copy(weights_folder / f"{name}{suffix}", folder)
    monkeypatch.setenv("SKINMODELS_WEIGHTS", str(folder))
    assert weights.folder() == folder
    return folder


@pytest.fixture(scope="session")
def server(weights_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The page, served with every model in order."""
    process, server = start(weights_folder, tmp_path_factory.mktemp("server") / "output.txt")
    yield server
    stop(process)


@pytest.fixture(scope="session")
def drawn() -> Callable[..., Image.Image]:
    """``drawn(seed, size=(height, width))``: a synthetic picture."""
    return examples.draw


@pytest.fixture
def drawn_file(tmp_path: Path) -> Path:
    """A synthetic picture as a PNG file."""
    path = tmp_path / "drawn.png"
    examples.draw(5).save(path)
    return path


@pytest.fixture(scope="session")
def real_sets() -> dict[str, list[Root]]:
    """The public sets at hand, as ``datasets.find_sets`` gives them."""
    if not DATA.is_dir():
        pytest.skip("needs the real pictures in ../shared/data")
    from training.data import datasets

    return datasets.find_sets(sets_at_hand())


@pytest.fixture(scope="session")
def split_of(real_sets: dict[str, list[Root]]) -> Callable[[ModelSpec], tuple[list[datasets.Sample], pd.DataFrame]]:
    """``split_of(spec)``: the pictures of that model's set and their usual split, drawn once for all models of the set."""
    from training.data import datasets, splits

    drawn_once: dict[tuple, tuple[list[datasets.Sample], pd.DataFrame]] = {}

    def split(spec: ModelSpec) -> tuple[list[datasets.Sample], pd.DataFrame]:
        key = spec.dataset.key, spec.labels
        if key not in drawn_once:
            samples = datasets.of_model(spec, real_sets[spec.dataset.key])
            drawn_once[key] = samples, splits.split(samples, splits.default_kind(spec.dataset.key, samples))
        return drawn_once[key]

    return split


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    from playwright.sync_api import expect, sync_playwright

    # While the models load, the page has little of the processor.
    expect.set_options(timeout=30_000)
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def page(browser, server) -> Iterator[Page]:
    yield from opened(browser, server, 1280, 900)


@pytest.fixture
def phone(browser, server) -> Iterator[Page]:
    yield from opened(browser, server, 390, 844)


def opened(browser: Browser, server, width: int, height: int) -> Iterator[Page]:
    from playwright.sync_api import expect

    context = browser.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.goto(f"{server.url}/")
    expect(page.get_by_role("button", name="Classify")).to_be_visible()
    yield page
    context.close()


def upload(panel: Locator, file: Path) -> None:
    panel.locator("input[type=file]").first.set_input_files(file)
