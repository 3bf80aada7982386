"""The tab "Batch" in headless Chromium, and its endpoint."""

from __future__ import annotations

import json
import re
import time
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from conftest import PATIENCE
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from playwright.sync_api import Locator, Page, expect

from skinmodels.registry import MODELS

TWO = ["ham_cnn28", "isic_mobilenet"]


@pytest.fixture
def files(tmp_path, drawn) -> list[Path]:
    """Three good pictures and two bad ones."""
    paths = [tmp_path / name for name in ("a b(1).png", "two.jpg", "three.webp", "bad.jpg", "cut.png")]
    for seed, path in enumerate(paths[:3]):
        drawn(seed).save(path)
    paths[3].write_text("no picture")
    paths[4].write_bytes(paths[0].read_bytes()[:5000])
    return paths


@pytest.fixture
def labels(tmp_path) -> Path:
    path = tmp_path / "labels.csv"
    path.write_text("file,label\na b(1).png,nv\ntwo,mel\nthree.webp,NV\n")
    return path


def open_batch(page: Page) -> Locator:
    page.get_by_role("tab", name="Batch", exact=True).click()
    panel = page.locator("[role=tabpanel]:visible")
    expect(panel.get_by_role("button", name="Run")).to_be_visible()
    return panel


def choose(panel: Locator, files: list[Path], models: list[str], labels: Path | None = None) -> None:
    panel.locator("#batch-files input[type=file]").first.set_input_files(files)
    expect(panel.locator("#batch-files tr.file")).to_have_count(len(files))
    for spec in MODELS.values():
        panel.get_by_label(spec.title, exact=True).set_checked(spec.name in models)
    if labels:
        panel.locator("#batch-labels input[type=file]").first.set_input_files(labels)
        expect(panel.locator("#batch-labels")).to_contain_text("labels")


def download(page: Page, panel: Locator, name: str, path: Path) -> Path:
    with page.expect_download() as started:
        panel.get_by_role("button", name=name).click()
    started.value.save_as(path)
    return path


def test_three_good_and_two_bad_files(page, files, labels, tmp_path):
    panel = open_batch(page)
    choose(panel, files, TWO, labels)
    panel.get_by_role("button", name="Run").click()
    expect(panel.locator("#done-batch")).to_contain_text("3 pictures classified; 2 could not be read.", timeout=PATIENCE)
    expect(panel.get_by_text("which starts as PNG but is cut off").first).to_be_visible()
    expect(panel).to_contain_text("Measured on your labels")

    table = pd.read_csv(download(page, panel, "Download CSV", tmp_path / "got.csv"), keep_default_na=False)
    good = table[table["model"] != ""]
    assert [tuple(pair) for pair in good[["file", "model"]].to_numpy()] == [
        (path.name, model) for path in files[:3] for model in TWO
    ]
    assert set(table[table["model"] == ""]["file"]) == {"bad.jpg", "cut.png"}
    answers = json.loads(download(page, panel, "Download JSON", tmp_path / "got.json").read_text(encoding="utf-8"))
    assert [row["file"] for row in answers] == table["file"].tolist()
    for row, (_, line) in zip(answers, table.iterrows(), strict=True):
        assert row["error"] == line["error"]
        for code, share in row["probabilities"].items():
            assert float(line[f"p_{code}"]) == share


def test_cancel_stops_and_keeps_what_there_is(page, drawn, tmp_path):
    archive = tmp_path / "many.zip"
    drawn(1, (900, 1200)).save(tmp_path / "one.jpg", quality=60)
    data = (tmp_path / "one.jpg").read_bytes()
    with zipfile.ZipFile(archive, "w") as opened_archive:
        for i in range(min(1000, 19 * 1024**2 // len(data))):
            opened_archive.writestr(f"{i:04}.jpg", data)
    panel = open_batch(page)
    choose(panel, [archive], ["isic_mobilenet"])
    panel.get_by_role("button", name="Run").click()
    bar = panel.locator("#done-batch progress")
    expect(bar).to_have_attribute("value", re.compile("[1-9]"), timeout=PATIENCE)
    panel.get_by_role("button", name="Cancel").click()
    status = panel.locator("#done-batch")
    expect(status).to_contain_text("Stopped.")
    said = status.inner_text()
    time.sleep(3)
    assert status.inner_text() == said
    table = pd.read_csv(download(page, panel, "Download CSV", tmp_path / "got.csv"))
    assert f"{len(table)} picture" in said
    # The queue is free again.
    choose_one = tmp_path / "one.jpg"
    panel.get_by_label("Clear").first.click()
    choose(panel, [choose_one], ["isic_mobilenet"])
    panel.get_by_role("button", name="Run").click()
    expect(status).to_contain_text("1 picture classified.", timeout=PATIENCE)


def test_a_folder(page, files):
    panel = open_batch(page)
    with page.expect_file_chooser() as asked:
        panel.get_by_role("button", name="Choose a folder").click()
    asked.value.set_files(files[0].parent)
    expect(panel.locator("#batch-files tr.file")).to_have_count(len(files))
    panel.get_by_role("button", name="Run").click()
    expect(panel.locator("#done-batch")).to_contain_text("3 pictures classified; 2 could not be read.", timeout=PATIENCE)


def test_phone_width_of_a_batch(phone, files, labels):
    panel = open_batch(phone)
    choose(panel, files, TWO, labels)
    panel.get_by_role("button", name="Run").click()
    expect(panel.locator("#done-batch")).to_contain_text("classified", timeout=PATIENCE)
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390


def test_endpoint(server, files, labels):
    client = Client(server.url, verbose=False)
    names = {
        parameter["parameter_name"]
        for parameter in client.view_api(return_format="dict")["named_endpoints"]["/batch"]["parameters"]
    }
    assert names == {"files", "models", "labels"}
    answers, as_csv, as_json, figures = client.predict(
        [handle_file(path) for path in files], TWO, handle_file(labels), api_name="/batch"
    )
    assert len(answers) == 3 * len(TWO) + 2
    assert [row["file"] for row in answers if row["error"]] == ["bad.jpg", "cut.png"]
    assert answers == json.loads(Path(as_json).read_text(encoding="utf-8"))
    assert len(pd.read_csv(as_csv)) == len(answers)
    assert [(its["model"], its["n"]) for its in figures] == [("ham_cnn28", 2), ("isic_mobilenet", 1)]


def test_endpoint_refusals(server, files, tmp_path):
    client = Client(server.url, verbose=False)
    text = tmp_path / "notes.txt"
    text.write_text("no picture")
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"PK no more")
    many = tmp_path / "many.zip"
    with zipfile.ZipFile(many, "w") as archive:
        for i in range(1001):
            archive.writestr(f"{i}.png", b"")
    for given, models, words in [
        ([], TWO, "Expected pictures"),
        ([text], TWO, "none of them a picture"),
        ([broken], TWO, "damaged or is none"),
        ([many], TWO, "at most 1,000 pictures"),
        ([files[0]], [], "at least one model"),
    ]:
        with pytest.raises(AppError, match=words) as caught:
            client.predict([handle_file(path) for path in given], models, None, api_name="/batch")
        assert "/tmp" not in str(caught.value)
