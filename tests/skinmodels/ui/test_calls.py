"""Every endpoint answers every call, with what was asked for or with one sentence."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from skinmodels.errors import FULL, SkinModelError
from skinmodels.registry import MODELS
from skinmodels.sources import DATASETS
from skinmodels.ui.calls import sentence
from skinmodels.ui.errors import UNEXPECTED

META = {"_type": "gradio.FileData"}
MODEL_OF = {key: next(spec.name for spec in MODELS.values() if spec.dataset.key == key) for key in DATASETS}
# Quick ones, which every /compare and /batch here asks where it names models.
ONE = ["ham_cnn28"]
OTHERS: dict[str, list[list[Any]]] = {"compare": [[], [None], [ONE]], "batch": [[], [None, None], [ONE, None]]}
OTHERS |= {key: [[], [None], [name]] for key, name in MODEL_OF.items()}


def upload(url: str, file: Path) -> str:
    boundary = "x" * 20
    body = f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="{file.name}"\r\n\r\n'.encode()
    body += file.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
    kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    with urllib.request.urlopen(urllib.request.Request(f"{url}/gradio_api/upload", body, kind), timeout=60) as answer:
        return json.loads(answer.read())[0]


def call(url: str, endpoint: str, data: list[Any]) -> tuple[str, Any]:
    """The last event of a call over plain HTTP, and its data."""
    body = json.dumps({"data": data}).encode()
    request = urllib.request.Request(f"{url}/gradio_api/call/{endpoint}", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        event = json.loads(answer.read())["event_id"]
    with urllib.request.urlopen(f"{url}/gradio_api/call/{endpoint}/{event}", timeout=300) as answer:
        name, data_line = [line for line in answer.read().decode().splitlines() if line][-2:]
    return name.removeprefix("event: "), json.loads(data_line.removeprefix("data: "))


@pytest.fixture
def sent(server, drawn_file: Path) -> dict[str, Any]:
    """First arguments, by what must be said; None where the call must be answered."""
    encoded = base64.b64encode(drawn_file.read_bytes()).decode()
    return {
        "uploaded": {"path": upload(server.url, drawn_file), "meta": META},
        "data": {"path": f"data:image/png;base64,{encoded}", "meta": META},
        "data without meta": {"path": f"data:image/png;base64,{encoded}"},
        "data as text": f"data:image/png;base64,{encoded}",
    }


BAD: dict[str, tuple[Any, str]] = {
    "inside": ({"path": "http://127.0.0.1:9/x.jpg", "meta": META}, "address of a public server"),
    "metadata service": ({"path": "http://169.254.169.254/latest", "meta": META}, "address of a public server"),
    "null": (None, "Expected"),
    "bare string": ("a string", "data: URL"),
    "number": (5, "Expected"),
    "another object": ({"a": 1}, "Expected"),
    "disk": ({"path": "/etc/hostname"}, "was uploaded to this page"),
    "no base64": ({"path": "data:image/png,abc", "meta": META}, "in base64"),
    "no picture": ({"path": "data:image/png;base64,YWJj", "meta": META}, "Expected"),
}


@pytest.mark.parametrize("endpoint", OTHERS)
def test_what_is_left_out_or_null_is_the_default(endpoint: str, server, sent) -> None:
    for how, first in sent.items():
        for rest in OTHERS[endpoint][:: 1 if how == "uploaded" else 2]:
            event, data = call(server.url, endpoint, [[first] if endpoint == "batch" else first, *rest])
            assert event == "complete", (how, rest, data)
            if endpoint in ("compare", "batch") and how == "uploaded":
                rows = data[0]["rows"] if endpoint == "compare" else data[0]
                assert [row["model"] for row in rows] == (rest[0] if rest and rest[0] else list(MODELS))
            elif how == "uploaded":
                assert data[3]["rows"][0]["model"] == MODEL_OF[endpoint]


@pytest.mark.parametrize("endpoint", OTHERS)
@pytest.mark.parametrize("case", BAD)
def test_bad_arguments_are_answered_in_a_sentence(endpoint: str, case: str, server) -> None:
    first, words = BAD[case]
    for rest in OTHERS[endpoint]:
        event, data = call(server.url, endpoint, [[first] if endpoint == "batch" and case != "null" else first, *rest])
        if endpoint == "batch" and case == "no picture":
            assert event == "complete"
            assert "Expected" in data[0][0]["error"]
            continue
        assert event == "error"
        assert data["error"].startswith("Expected"), data
        assert words in data["error"]
    assert "Traceback" not in server.output.read_text(errors="replace")


@pytest.mark.parametrize("data", [[], [None, "no such model"], [None, 7], [None, {"a": [1]}], [None, ["x"] * 50]])
def test_other_arguments_of_no_use_are_answered_in_a_sentence(data: list[Any], server) -> None:
    for endpoint in OTHERS:
        event, answer = call(server.url, endpoint, data)
        assert event == "error"
        assert answer["error"]
        assert answer["error"] != UNEXPECTED
    assert "Traceback" not in server.output.read_text(errors="replace")


def test_a_deleted_upload_is_said_to_be(server, drawn_file: Path) -> None:
    path = Path(upload(server.url, drawn_file))
    for file in (path.with_name("other.png"), path.parent):
        event, answer = call(server.url, "ham10000", [{"path": str(file), "meta": META}, "ham_cnn28"])
        assert event == "error"
        assert answer["error"].startswith("Expected")


def test_html_in_a_sentence_is_text_on_the_page_and_unchanged_for_programs() -> None:
    for error in (SkinModelError("Received: <img src=x> & more"), gr.Error("Received: <img src=x> & more")):
        assert sentence(error, of_page=False).message == "Received: <img src=x> & more"
        assert sentence(error, of_page=True).message == "Received: &lt;img src=x&gt; &amp; more"


def test_a_full_disk_is_one_sentence() -> None:
    error = sentence(OSError(28, "No space left on device", "/tmp/secret"), of_page=False)
    assert error.message == FULL
    assert not error.print_exception


def test_an_unexpected_error_is_logged_once_an_hour(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(5):
        with pytest.raises(KeyError) as caught:
            dict[str, int]()["secret"]
        assert sentence(caught.value, of_page=False).message == UNEXPECTED
    assert caplog.text.count("Traceback") == 1
