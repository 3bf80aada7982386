"""The process's own folder: what is swept, when, and that it goes with the process however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import ROOT, start

from skinmodels.errors import SkinModelError
from skinmodels.ui import sessions, storage, uploads


def made(path: Path, size: int = 10) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    return path


def test_a_killed_process_is_swept_up_by_the_next_and_a_running_one_is_not(tmp_path: Path) -> None:
    script = "import sys, time; from skinmodels.ui import uploads; print(uploads.own_folder(), flush=True); time.sleep(60)"
    environment = os.environ | {"GRADIO_TEMP_DIR": str(tmp_path)}

    def run() -> tuple[subprocess.Popen, Path]:
        process = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        assert process.stdout
        return process, Path(process.stdout.readline().strip()).parent

    (killed, left), (running, kept) = run(), run()
    try:
        killed.kill()
        killed.wait()
        stranger = made(tmp_path / "skinmodels-notes" / "mine.txt")
        (tmp_path / "skinmodels-link").symlink_to(stranger.parent)
        uploads.sweep(tmp_path, 60)
        assert left.exists()  # too young to tell
        uploads.sweep(tmp_path, 0)
        assert not left.exists()
        assert kept.exists()
        assert stranger.exists()
    finally:
        running.kill()
        running.wait()


def test_what_is_in_use_outlives_its_age_and_what_is_not_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used, free = made(tmp_path / "a" / "used.png", 400_000), made(tmp_path / "b" / "free.png", 400_000)
    monkeypatch.setenv(storage.VARIABLE, "1")
    monkeypatch.setattr(storage, "_ASKED_WITHIN", 0.02)
    storage.sweep(tmp_path, 60, frozenset())
    time.sleep(0.05)
    storage.sweep(tmp_path, 60, frozenset([used]))
    assert used.exists()
    assert not free.exists()
    storage.sweep(tmp_path, 0, frozenset([used]))
    assert used.exists()
    assert not free.parent.exists()


def test_files_are_found_wherever_a_call_names_them() -> None:
    value = [[{"path": "/a", "meta": {}}, None], {"x": {"path": "/b"}}, "text"]
    assert set(sessions._paths(value)) == {"/a", "/b"}


@pytest.mark.parametrize("text", ["", "many", "-1", "0", "1.5"])
def test_a_total_that_is_no_number_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(storage.VARIABLE, text)
    with pytest.raises(SkinModelError, match=storage.VARIABLE):
        storage.most_bytes()


# While it starts, while it serves, while TensorFlow is imported, while models load.
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("seconds", [1.0, 3.0, 0.0, 4.0, 10.0])
def test_a_signal_ends_the_server_within_seconds_and_its_folder_goes(
    number: signal.Signals, seconds: float, weights_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "temp"))
    if seconds in (1.0, 3.0):
        with (tmp_path / "output.txt").open("wb") as output:
            process = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, stdout=output, stderr=output)
    else:
        process, _ = start(weights_folder, tmp_path / "output.txt")
    time.sleep(seconds)
    began = time.monotonic()
    process.send_signal(number)
    assert process.wait(timeout=20) == (130 if number == signal.SIGINT else 0)
    assert time.monotonic() - began < 5
    assert not list((tmp_path / "temp").glob("*"))
    text = (tmp_path / "output.txt").read_text()
    assert "Traceback" not in text
    assert text.count("Ended.") == 1
