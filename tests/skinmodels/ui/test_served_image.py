"""Files of pictures that the page sends."""

from __future__ import annotations

import os
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from skinmodels.ui.components.served_image import KeptImage, kept


def test_a_file_that_is_being_read_is_not_written_again(drawn, tmp_path):
    picture = drawn(3)
    path = kept(picture, str(tmp_path))
    os.utime(path, (0, 0))
    with Path(path).open("rb") as reading:
        assert kept(picture.copy(), str(tmp_path)) == path
        whole = reading.read()
    assert whole == Path(path).read_bytes()
    with Image.open(path) as read:
        assert (np.asarray(read) == np.asarray(picture)).all()
    assert Path(path).stat().st_mtime > 0, "its age counts from the last time it was asked for"
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == [Path(path)]
    assert kept(drawn(4), str(tmp_path)) != path


def test_what_the_network_saw_is_kept_where_gradio_deletes_it(drawn, tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    with gr.Blocks():
        seen = KeptImage(format="png")
    shown = seen.postprocess(drawn(5))
    assert shown is not None
    moved = seen.move_resource_to_block_cache(shown.path)
    assert moved == shown.path
    assert seen.temp_files == {moved}
    assert seen.postprocess(None) is None
