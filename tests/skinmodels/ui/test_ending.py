"""What a signal ends, and what it leaves alone: without waiting for the moment at which it would show."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

SCRIPT = """
import atexit, pathlib, sys, time
from skinmodels.ui import ending
ending.at_signals()
kept = pathlib.Path(sys.argv[1]); kept.mkdir(); ending.removes(kept)
atexit.register(print, "a library was torn down", flush=True)
with ending.temporary_folder() as during:
    print(during, flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_folders_go_and_no_library_is_torn_down_under_running_threads(number: signal.Signals, tmp_path: Path) -> None:
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "kept")]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    during = Path(process.stdout.readline().strip())
    assert during.is_dir()
    process.send_signal(number)
    output, errors = process.communicate(timeout=20)
    assert process.returncode == (130 if number == signal.SIGINT else 0)
    assert output == ""
    assert errors == "Ended.\n"
    assert not during.exists()
    assert not (tmp_path / "kept").exists()
