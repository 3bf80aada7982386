"""What an installation holds: the code, the records, the command; and what is left out where little is installed."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from conftest import ROOT

from skinmodels import weights

SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_every_folder_of_code_is_a_package_that_is_installed() -> None:
    folders = {str(file.parent.relative_to(ROOT)).replace("/", ".") for file in (ROOT / "skinmodels").rglob("__init__.py")}
    assert folders | {"skinmodels.published"} == set(SETTINGS["tool"]["setuptools"]["packages"])


def test_what_is_required_is_pinned_too() -> None:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pinned = {line.partition("==")[0].partition("[")[0] for line in lines if "==" in line}
    required = {line.partition(">=")[0].partition("[")[0] for line in SETTINGS["project"]["dependencies"]}
    assert required <= pinned
    assert {"gradio", "tensorflow", "keras-cv", "pillow", "numpy", "pytest"} <= pinned


@pytest.mark.slow
def test_a_wheel_holds_code_and_records_and_answers_without_weights(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(tmp_path), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, text=True, timeout=300)
    (wheel,) = tmp_path.glob("skinmodels-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    records = {path.name for path in (ROOT / "weights").glob("*.json")}
    assert {name.rpartition("/")[2] for name in names if name.startswith("skinmodels/published/")} >= records
    assert "skinmodels/py.typed" in names
    templates = {str(file.relative_to(ROOT)) for file in (ROOT / "skinmodels").glob("*/templates/*")}
    assert len(templates) > 5
    assert templates <= set(names)
    assert not [name for name in names if name.endswith((".h5", ".pyi", ".csv")) or name.startswith(("tests", "training"))]
    assert wheel.stat().st_size < 5e6

    zipfile.ZipFile(wheel).extractall(tmp_path / "installed")
    environment = {key: value for key, value in os.environ.items() if key != "SKINMODELS_WEIGHTS"}
    asked = [sys.executable, "-c", "import sys; from skinmodels.cli import main; sys.exit(main(['models']))"]
    done = subprocess.run(
        asked,
        cwd=tmp_path,
        env=environment | {"PYTHONPATH": str(tmp_path / "installed")},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert [line.split()[0] for line in done.stdout.splitlines()[1:]] == list(weights.MODELS)


def test_tests_that_need_more_than_is_installed_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    import conftest

    monkeypatch.setattr(conftest.importlib.util, "find_spec", lambda name: None if name == "pandas" else object())
    conftest.lacking.cache_clear()
    assert conftest.lacking(ROOT / "tests" / "training" / "test_splits.py") == ("pandas",)
    assert conftest.lacking(ROOT / "tests" / "skinmodels" / "test_images.py") == ()
    assert "need requirements-dev.txt (pandas)" in conftest.pytest_report_header()
    conftest.lacking.cache_clear()
