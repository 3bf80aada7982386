"""The page in headless Chromium: a picture uploaded, the answer read, with the mouse, the keyboard and on a phone."""

from __future__ import annotations

import io

import pytest
from conftest import PATIENCE, upload
from playwright.sync_api import Locator, Page, expect

from skinmodels import labels
from skinmodels.registry import MODELS
from skinmodels.sources import DATASETS


def open_tab(page: Page, key: str) -> Locator:
    """The panel of that data set's tab, opened."""
    tab = page.get_by_role("tab", name=DATASETS[key].tab, exact=True)
    tab.click()
    expect(tab).to_have_attribute("aria-selected", "true")
    panel = page.locator("[role=tabpanel]:visible")
    expect(panel.get_by_role("button", name="Classify")).to_be_visible()
    return panel


def result(panel: Locator) -> Locator:
    return panel.locator("[id^=done-]")


@pytest.mark.parametrize("key", DATASETS)
def test_upload_and_read_the_label(key, page, drawn_file):
    spec = next(spec for spec in MODELS.values() if spec.dataset.key == key)
    panel = open_tab(page, key)
    upload(panel, drawn_file)
    expect(result(panel)).to_contain_text(spec.preprocessing.words((300, 400)), timeout=PATIENCE)
    for code in spec.labels:
        expect(panel.get_by_text(labels.readable(code), exact=True)).to_be_visible()
    seen = panel.get_by_alt_text("as the network saw it")
    expect(seen).to_be_visible()
    assert seen.evaluate("picture => getComputedStyle(picture).imageRendering") == "pixelated"
    side = spec.preprocessing.size[1]
    assert seen.evaluate("picture => picture.naturalWidth") == max(1, 336 // side) * side
    expect(panel.locator(".facts")).to_contain_text(spec.claim_note)


def test_another_model_answers_and_its_facts_are_shown(page, drawn_file):
    large, small = (spec for spec in MODELS.values() if spec.dataset.key == "kaggle")
    panel = open_tab(page, "kaggle")
    upload(panel, drawn_file)
    expect(result(panel)).to_contain_text("Highest", timeout=PATIENCE)
    before = result(panel).inner_text()
    panel.get_by_label(small.title).check()
    expect(panel.locator(".facts")).to_contain_text(small.claim_note)
    expect(panel.locator(".facts")).not_to_contain_text(large.claim_note)
    expect(result(panel)).not_to_have_text(before, timeout=PATIENCE)


def test_click_an_example(page):
    panel = open_tab(page, "ham10000")
    expect(panel.get_by_text("synthetic, not a lesion photograph")).to_be_visible()
    panel.get_by_role("button", name="synthetic, not a lesion photograph").first.click()
    expect(result(panel)).to_contain_text("Highest", timeout=PATIENCE)


def test_bad_upload_says_why_and_leaves_no_old_result(page, drawn_file, tmp_path):
    text = tmp_path / "notes.jpg"
    text.write_text("This is no picture.")
    panel = open_tab(page, "ham10000")
    upload(panel, drawn_file)
    expect(result(panel)).to_contain_text("Highest", timeout=PATIENCE)
    upload(panel, text)
    expect(page.get_by_text("which is none of these")).to_be_visible()
    expect(result(panel)).not_to_contain_text("Highest")
    expect(panel.get_by_alt_text("The picture to classify")).to_have_count(0)
    upload(panel, drawn_file)
    expect(result(panel)).to_contain_text("Highest", timeout=PATIENCE)


@pytest.mark.parametrize("suffix", ["heic", "tif"])
def test_formats_browsers_cannot_show_are_shown_decoded(suffix, page, drawn, tmp_path):
    file = tmp_path / f"picture.{suffix}"
    drawn(3).save(file)
    panel = open_tab(page, "ham10000")
    upload(panel, file)
    expect(result(panel)).to_contain_text("Highest", timeout=PATIENCE)
    picture = panel.get_by_alt_text("The picture to classify")
    expect(picture).to_be_visible()
    assert picture.evaluate("picture => picture.naturalWidth") == 400


def test_removing_the_picture_removes_the_result(page, drawn_file):
    panel = open_tab(page, "isic2019")
    upload(panel, drawn_file)
    expect(result(panel)).to_contain_text("Highest", timeout=PATIENCE)
    panel.get_by_label("Remove Image").click()
    expect(result(panel)).not_to_contain_text("Highest")


def test_keyboard_alone(page):
    """From the top of the page, Tab and Enter reach a tab, an example, and the answer."""

    def tab_to(wanted: str) -> None:
        for _ in range(40):
            page.keyboard.press("Tab")
            name = page.evaluate("document.activeElement.getAttribute('aria-label') ?? document.activeElement.innerText")
            if wanted in (name or ""):
                assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
                return
        raise AssertionError(f"Tab never reached {wanted!r}")

    tab_to(DATASETS["kaggle"].tab)
    page.keyboard.press("ArrowRight")
    if page.get_by_role("tab", name=DATASETS["ham10000"].tab).get_attribute("aria-selected") != "true":
        tab_to(DATASETS["ham10000"].tab)
        page.keyboard.press("Enter")
    panel = page.locator("[role=tabpanel]:visible")
    expect(panel.get_by_role("button", name="Classify")).to_be_visible()
    tab_to("Upload")
    tab_to("synthetic")
    page.keyboard.press("Enter")
    expect(result(panel)).to_contain_text("Highest", timeout=PATIENCE)


def test_screen_readers_are_told(page, drawn_file):
    panel = open_tab(page, "isic2019")
    expect(result(panel)).to_have_attribute("aria-live", "polite")
    upload(panel, drawn_file)
    expect(result(panel)).to_contain_text("Highest", timeout=PATIENCE)
    unnamed = panel.locator("button:visible").evaluate_all(
        "buttons => buttons.filter(b => !(b.getAttribute('aria-label') || b.title || b.innerText.trim()"
        " || b.querySelector('img[alt]')?.alt)).map(b => b.outerHTML)"
    )
    assert unnamed == []
    assert panel.locator("img:visible:not([alt])").count() == 0


@pytest.mark.parametrize("key", DATASETS)
def test_phone_width(key, phone, drawn_file):
    panel = open_tab(phone, key)
    upload(panel, drawn_file)
    expect(result(panel)).to_contain_text("Highest", timeout=PATIENCE)
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    beyond = phone.evaluate(
        "[...document.querySelectorAll('button, img, table, p, li, h1, h2')]"
        ".filter(e => e.offsetParent && e.getBoundingClientRect().right > 391).map(e => e.outerHTML.slice(0, 200))"
    )
    assert beyond == []


def test_pictures_are_served_as_png(page, drawn_file):
    panel = open_tab(page, "ham10000")
    upload(panel, drawn_file)
    seen = panel.get_by_alt_text("as the network saw it")
    expect(seen).to_be_visible(timeout=PATIENCE)
    answer = page.request.get(seen.get_attribute("src"))
    assert answer.headers["content-type"] == "image/png"
    assert io.BytesIO(answer.body()).read(8) == b"\x89PNG\r\n\x1a\n"
