"""The page over HTTP, as programs call it."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import gradio as gr
import numpy as np
import pytest
from conftest import ROOT, start, stop
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from skinmodels import inference, labels
from skinmodels.errors import SkinModelError
from skinmodels.registry import MODELS
from skinmodels.sources import DATASETS
from skinmodels.ui import uploads
from skinmodels.ui.errors import UNEXPECTED, shown

ENDPOINTS = {f"/{key}": [spec for spec in MODELS.values() if spec.dataset is dataset] for key, dataset in DATASETS.items()}


@pytest.fixture(scope="module")
def client(server) -> Client:
    return Client(server.url, verbose=False)


def test_importing_the_page_imports_no_keras():
    script = "import sys, app; print([name for name in ('keras', 'tensorflow', 'h5py') if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
    assert result.stdout.strip() == "[]"


def test_api_shows_the_endpoints_alone(client):
    info = client.view_api(return_format="dict")
    assert set(info["named_endpoints"]) == set(ENDPOINTS) | {"/compare", "/batch", "/models"}
    assert not info["unnamed_endpoints"]
    for endpoint, specs in ENDPOINTS.items():
        picture, model = info["named_endpoints"][endpoint]["parameters"]
        assert (picture["parameter_name"], model["parameter_name"]) == ("picture", "model")
        assert model["parameter_default"] == specs[0].name
        assert all(spec.name in str(model["type"]) for spec in specs)


@pytest.mark.parametrize("name", MODELS)
def test_endpoint(name, client, drawn_file, weights_folder, monkeypatch):
    spec = MODELS[name]
    label, seen, text, result = client.predict(handle_file(drawn_file), name, api_name=f"/{spec.dataset.key}")
    monkeypatch.setenv("SKINMODELS_WEIGHTS", str(weights_folder))
    expected = inference.predict(name, Image.open(drawn_file).convert("RGB"))
    got = {row["label"]: row["confidence"] for row in label["confidences"]}
    assert got == pytest.approx({labels.readable(code): share for code, share in expected.probabilities.items()}, abs=1e-4)
    view = Image.open(seen)
    assert view.format == "PNG"
    factor = view.width // spec.preprocessing.size[1]
    assert (np.asarray(view) == np.kron(np.asarray(expected.seen), np.ones((factor, factor, 1), np.uint8))).all()
    assert spec.preprocessing.words((300, 400)) in text
    (row,) = result["rows"]
    assert row["probabilities"] == pytest.approx(expected.probabilities, abs=1e-4)
    assert row["malignancy"] == pytest.approx(expected.malignancy, abs=1e-4)
    assert row["conformal"] == list(expected.conformal or ())
    assert result["picture"]["sha256"] == hashlib.sha256(drawn_file.read_bytes()).hexdigest()


def test_model_may_be_left_out(client, drawn_file):
    label, *_ = client.predict(handle_file(drawn_file), api_name="/ham10000")
    assert len(label["confidences"]) == 7


def test_page_has_the_tabs_and_the_warning(server):
    client = Client(server.url, verbose=False)
    texts = json.dumps(client.config)
    for dataset in DATASETS.values():
        assert dataset.tab in texts
    assert "never a diagnosis" in texts


def test_nothing_is_recorded(server):
    config = Client(server.url, verbose=False).config
    assert config["analytics_enabled"] is False
    assert config["run_history"] is False


def sentence_of(client: Client, file, endpoint: str = "/ham10000", model: str = "ham_cnn28") -> str:
    with pytest.raises(AppError) as caught:
        client.predict(file, model, api_name=endpoint)
    sentence = str(caught.value)
    assert "Traceback" not in sentence
    assert "/tmp" not in sentence
    return sentence


BAD = {
    "notes.jpg": (b"This is text.\n" * 20, "none of these"),
    "nothing.png": (b"", "empty"),
    "cut.jpg": (None, "cut off"),
    "tiny.png": (None, "at least 8x8"),
    "huge.png": (None, "at most 50 megapixels"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_uploads_give_the_readers_sentence(name, client, tmp_path, drawn):
    content, words = BAD[name]
    path = tmp_path / name
    if name == "cut.jpg":
        buffer = io.BytesIO()
        drawn(1).save(buffer, "JPEG")
        content = buffer.getvalue()[: buffer.tell() // 2]
    elif name == "tiny.png":
        buffer = io.BytesIO()
        Image.new("RGB", (7, 7)).save(buffer, "PNG")
        content = buffer.getvalue()
    elif name == "huge.png":
        buffer = io.BytesIO()
        Image.new("1", (7100, 7100)).save(buffer, "PNG")
        content = buffer.getvalue()
    path.write_bytes(content)
    sentence = sentence_of(client, handle_file(path))
    assert words in sentence
    assert name in sentence


def test_no_picture(client):
    assert "Expected a picture" in sentence_of(client, None)


def test_a_model_of_another_tab(client, drawn_file):
    assert "kaggle_cnn_large" in sentence_of(client, handle_file(drawn_file), model="kaggle_cnn_large")


def test_an_upload_over_20_mb_is_refused(client, tmp_path):
    path = tmp_path / "heavy.png"
    with path.open("wb") as file:
        file.truncate(21 * 1024 * 1024)
    with pytest.raises(Exception, match=r"413|[Mm]aximum"):
        client.predict(handle_file(path), "ham_cnn28", api_name="/ham10000")


def test_concurrent_requests(server, drawn, tmp_path):
    files = []
    for seed in range(3):
        path = tmp_path / f"{seed}.png"
        drawn(seed).save(path)
        files.append(path)
    jobs = [(file, name) for file in files for name in MODELS]
    client = Client(server.url, verbose=False)

    def ask(job):
        file, name = job
        return client.predict(handle_file(file), name, api_name=f"/{MODELS[name].dataset.key}")[0]

    one_by_one = [ask(job) for job in jobs]
    with ThreadPoolExecutor(6) as pool:
        at_once = list(pool.map(ask, jobs))
    for alone, together in zip(one_by_one, at_once, strict=True):
        assert {r["label"]: r["confidence"] for r in alone["confidences"]} == pytest.approx(
            {r["label"]: r["confidence"] for r in together["confidences"]}, abs=1e-4
        )


def test_damaged_and_missing_weights_stay_in_their_tab(weights_folder, tmp_path, drawn_file):
    folder = tmp_path / "weights"
    shutil.copytree(weights_folder, folder, ignore=shutil.ignore_patterns("*.csv"))
    with (folder / "ham_reference.weights.h5").open("r+b") as file:
        file.seek(5000)
        file.write(b"damaged")
    (folder / "kaggle_cnn_small.weights.h5").unlink()
    process, server = start(folder, tmp_path / "output.txt")
    try:
        client = Client(server.url, verbose=False)
        shown_texts = [str(block["props"].get("value")) for block in client.config["components"] if block["type"] == "markdown"]
        damaged = [text for text in shown_texts if "are damaged" in text]
        missing = [text for text in shown_texts if "are missing" in text]
        # The notice above the tab and, where the model is the one chosen, the block of figures.
        assert len(damaged) == 2
        assert len(missing) == 1
        assert all(MODELS["ham_reference"].title in text for text in damaged)
        assert "are damaged" in sentence_of(client, handle_file(drawn_file), "/ham10000", "ham_reference")
        assert "are missing" in sentence_of(client, handle_file(drawn_file), "/kaggle", "kaggle_cnn_small")
        label, *_ = client.predict(handle_file(drawn_file), "kaggle_cnn_large", api_name="/kaggle")
        assert len(label["confidences"]) == 2
        # Read while it serves: ended in the middle of loading, the background thread may complain.
        assert "Traceback" not in server.output.read_text()
    finally:
        stop(process)


def test_old_files_are_deleted_and_the_pages_own_are_kept(tmp_path):
    own, sent = tmp_path / "a" / "own.png", tmp_path / "b" / "sent.png"
    for path in (own, sent):
        path.parent.mkdir()
        path.write_bytes(b"picture")
    uploads.delete_old(tmp_path, age=60, keep={own})
    assert own.exists()
    assert sent.exists()
    time.sleep(0.05)
    uploads.delete_old(tmp_path, age=0.01, keep={own})
    assert own.exists()
    assert not sent.exists()


def test_taken_port_is_one_sentence():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        result = subprocess.run(
            [sys.executable, "app.py", "--port", str(port)], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
        )
    assert result.returncode == 1
    assert result.stdout == ""
    assert len(result.stderr.strip().splitlines()) == 1
    assert str(port) in result.stderr


def test_errors_at_the_edge(caplog):
    def own(_):
        raise SkinModelError("Expected this. Received: that.")

    def other(_):
        raise KeyError("secret detail")

    with pytest.raises(gr.Error) as caught:
        shown(own)(1)
    assert caught.value.message == "Expected this. Received: that."
    assert not caught.value.print_exception
    with caplog.at_level(logging.ERROR), pytest.raises(gr.Error) as caught:
        shown(other)(1)
    assert caught.value.message == UNEXPECTED
    assert "secret detail" in caplog.text


NO_TUNNEL = """
import sys, gradio.networking
def refuse(*_args, **_kwargs):
    raise RuntimeError("Could not create share link")
gradio.networking.setup_tunnel = refuse
import app
app.inference.warm_in_background = lambda **_: None
sys.exit(app.main(sys.argv[1:]))
"""


def test_share_goes_on_locally_where_no_link_can_be_opened(weights_folder, tmp_path):
    process, server = start(weights_folder, tmp_path / "output.txt", "--share", program=("-c", NO_TUNNEL))
    try:
        deadline = time.monotonic() + 60
        while "No public link" not in server.output.read_text() and time.monotonic() < deadline:
            time.sleep(0.2)
        assert "No public link could be opened from this network" in server.output.read_text()
        assert "Traceback" not in server.output.read_text()
        with urllib.request.urlopen(f"{server.url}/", timeout=30) as answer:
            assert answer.status == 200
    finally:
        stop(process)


def test_real_examples_of_the_host_stand_beside_the_drawn_ones(monkeypatch, drawn, tmp_path):
    drawn(7).save(tmp_path / "mole.png")
    monkeypatch.setenv("SKINMODELS_EXAMPLES", str(tmp_path))
    from skinmodels.ui import page

    titles = [block["props"].get("label") for block in page.build().get_config_file()["components"]]
    # Under each data set's tab, and under Compare.
    assert titles.count("Examples (real pictures)") == len(DATASETS) + 1
    monkeypatch.delenv("SKINMODELS_EXAMPLES")
    titles = [block["props"].get("label") for block in page.build().get_config_file()["components"]]
    assert "Examples (real pictures)" not in titles
