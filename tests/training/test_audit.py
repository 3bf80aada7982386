"""The leakage audit: drawn pictures and their copies, parts that share lesions, and the files that evaluation reads."""

from __future__ import annotations

import io
import json
from pathlib import Path

import drawn_data
import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageEnhance

from skinmodels.examples import draw
from skinmodels.registry import MODELS
from training import audit
from training.data import datasets, duplicates, lesions
from training.data.datasets import Sample
from training.data.files import Root

SIZE = (150, 200)


class Drawn:
    """Opens a picture that stands in memory."""

    def __init__(self, image: Image.Image) -> None:
        self.image = image

    def open(self) -> Image.Image:
        return self.image


def sample(id: str, image: Image.Image | None = None, group: str | None = None) -> Sample:
    return Sample(id, "nv", group or id, Drawn(image or Image.new("RGB", (8, 8))))


def pairs_of(*images: Image.Image) -> pd.DataFrame:
    return duplicates.find(duplicates.thumbnails([sample(str(i), image) for i, image in enumerate(images)]))


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


COPIES = {
    "recompressed": lambda image: jpeg(image, 40),
    "resized": lambda image: image.resize((60, 90)),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.15),
    "less contrast": lambda image: ImageEnhance.Contrast(image).enhance(0.7),
    "cropped by a few pixels": lambda image: image.crop((4, 3, 198, 149)),
}


@pytest.mark.parametrize("name", COPIES)
def test_changed_copies_are_near_duplicates(name: str) -> None:
    original = draw(1, SIZE)
    found = pairs_of(original, COPIES[name](original))
    assert list(found["kind"]) == ["near"]
    assert duplicates.VIEWS[found["view"][0]] == "as it is"


def test_exact_copies_have_the_same_pixels() -> None:
    found = pairs_of(draw(1, SIZE), draw(2, SIZE), draw(1, SIZE))
    assert found[["a", "b", "kind", "hash_distance", "distance"]].values.tolist() == [[0, 2, "exact", 0, 0.0]]
    assert found["correlation"][0] == 1


def test_flat_pictures_are_duplicates_only_where_their_pixels_are_equal() -> None:
    flat = [Image.new("RGB", (40, 30), colour) for colour in ("#e0b0a0", "#e0b0a0", "#d0a090")]
    assert pairs_of(*flat)[["a", "b", "kind"]].values.tolist() == [[0, 1, "exact"]]


@pytest.mark.parametrize("number", range(8))
def test_each_view_is_found(number: int) -> None:
    original = draw(3, SIZE)
    turned = Image.fromarray(
        np.ascontiguousarray(duplicates.view(np.asarray(original).transpose(2, 0, 1), number).transpose(1, 2, 0))
    )
    found = pairs_of(turned, original)
    assert len(found) == 1
    # b, seen so, is a.
    assert duplicates.VIEWS[found["view"][0]] == duplicates.VIEWS[number]
    assert found["distance"][0] < 5


def test_different_pictures_are_none() -> None:
    assert pairs_of(*(draw(seed, SIZE) for seed in range(40))).empty


def test_a_black_frame_alone_makes_no_duplicates() -> None:
    framed = []
    for seed in range(12):
        pixels = np.array(draw(seed, (160, 160)))
        down, right = np.mgrid[:160, :160] - 79.5
        pixels[np.hypot(down, right) > 60] = 0
        framed.append(Image.fromarray(pixels))
    assert pairs_of(*framed).empty
    assert len(pairs_of(*framed, framed[3].rotate(90))) == 1


def pair(set_a: str, id_a: str, set_b: str, id_b: str, lesion_a: str = "", lesion_b: str = "") -> dict:
    row = dict.fromkeys(lesions.PAIR_COLUMNS, "")
    return row | {"set_a": set_a, "id_a": id_a, "set_b": set_b, "id_b": id_b, "lesion_a": lesion_a, "lesion_b": lesion_b}


def table(*rows: dict) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=list(lesions.PAIR_COLUMNS))


def test_components_follow_lesions_and_duplicates_through_other_sets() -> None:
    pairs = table(
        pair("ham10000", "I1", "kaggle", "test/benign/1.jpg", "L1", "L1"),
        pair("ham10000", "I2", "kaggle", "train/benign/2.jpg", "L1", "L1"),
        pair("kaggle", "train/benign/2.jpg", "siim", "m"),
    )
    pictures = [
        ("kaggle", "test/benign/1.jpg", None),
        ("kaggle", "train/benign/3.jpg", None),
        ("siim", "m", None),
        ("isic2019", "I1", None),
        ("isic2019", "I9", "L1"),
        ("pad_ufes", "p", "L1"),
    ]
    found = lesions.components(pictures, pairs)
    same = [found[key, id] for key, id, _ in pictures]
    assert same[0] == same[2] == same[3] == same[4]
    assert len(set(same)) == 3
    assert lesions.components([], table()) == {}


def test_clean_leaves_out_what_shares_a_lesion_or_a_duplicate_with_what_is_known() -> None:
    pairs = table(pair("isic2019", "I5", "isic2019", "I2"))
    known = [sample("I1", group="L1"), sample("I2", group="L2")]
    tested = [sample("I3", group="L1"), sample("I4", group="L4"), sample("I5"), sample("I6", group="L2")]
    assert lesions.clean("isic2019", tested, known, pairs=pairs).tolist() == [False, True, False, False]
    # HAM10000's pictures and lesions are those of ISIC 2019.
    assert lesions.clean("ham10000", tested, known, known_key="isic2019", pairs=pairs).tolist() == [False, True, False, False]
    assert lesions.clean("siim", [sample("I1", group="L1")], known, known_key="isic2019", pairs=pairs).tolist() == [True]
    assert lesions.clean("isic2019", [], known, pairs=pairs).shape == (0,)


def test_pictures_unlike_another_set_are_told_without_it() -> None:
    pairs = table(pair("ham10000", "I1", "siim", "a"), pair("siim", "a", "siim", "b"), pair("kaggle", "k", "siim", "c"))
    tested = [sample("a"), sample("b"), sample("c"), sample("d")]
    assert lesions.unlike("siim", tested, "ham10000", pairs).tolist() == [False, False, True, True]


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """HAM10000 and Kaggle layouts, where Kaggle's malignant test pictures 0 and 1 are copies of HAM10000's."""
    root = tmp_path_factory.mktemp("sets")
    drawn_data.ham10000(root / "ham")
    drawn_data.kaggle(root / "kaggle")
    # Both makers count their seeds from 0; here every picture is another.
    for number, file in enumerate(sorted(root.rglob("*.jpg"))):
        drawn_data.save(drawn_data.picture(number % 7, 1000 + number), file)
    rows = pd.read_csv(root / "ham" / "HAM10000_metadata.csv").sort_values("image_id")
    rows["dx_type"], rows["age"], rows["sex"], rows["localization"] = "histo", 50.0, "female", "back"
    rows.to_csv(root / "ham" / "HAM10000_metadata.csv", index=False)
    files = {file.stem: file for file in (root / "ham").rglob("*.jpg")}
    for number, part in ((0, "test"), (1, "test"), (2, "train")):
        copy = jpeg(draw(100 + number % 2, SIZE), 80)
        drawn_data.save(draw(100 + number % 2, SIZE), files[rows["image_id"].iloc[number % 2]])
        drawn_data.save(
            copy if number < 2 else copy.transpose(Image.Transpose.ROTATE_90), root / f"kaggle/{part}/malignant/{number}.jpg"
        )
    return root


@pytest.fixture(scope="module")
def written(sets: Path) -> Path:
    out = sets / "out"
    assert audit.main(["--data", str(sets / "ham"), str(sets / "kaggle"), "--out", str(out)]) == 0
    return out


def test_kaggle_takes_over_lesion_and_metadata_of_ham10000(sets: Path, written: Path) -> None:
    metadata = pd.read_csv(sets / "ham" / "HAM10000_metadata.csv").sort_values("image_id")
    found = pd.read_csv(written / "kaggle_in_ham.csv").set_index("id")
    assert sorted(found.index) == ["test/malignant/0.jpg", "test/malignant/1.jpg", "train/malignant/2.jpg"]
    first = found.loc["test/malignant/0.jpg"]
    taken = ["image_id", "lesion_id", "dx", "dx_type"]
    assert [first[name] for name in taken] == [metadata.iloc[0][name] for name in taken]
    pairs = lesions.read_pairs(written / "audit_pairs.csv")
    turned = pairs[pairs["id_b"] == "train/malignant/2.jpg"]
    assert "as it is" not in set(turned["view"])
    assert set(turned["lesion_a"]) == set(turned["lesion_b"]) == {first["lesion_id"]}


def test_report_counts_what_parts_share(written: Path) -> None:
    report = json.loads((written / "audit.json").read_text())
    assert report["sets"] == {"kaggle": 80, "ham10000": len(MODELS["ham_cnn28"].labels) * 32}
    assert set(report["missing"]) == {"isic2019", "siim", "pad_ufes"}
    assert report["kaggle_in_ham"]["found"] == 3
    bins = report["rule"]["looked_at"]
    kept = [its for its in bins if its["from"] >= duplicates.CORRELATION]
    assert sum(its["pairs"] for its in kept) == sum(row["exact"] + row["near"] for row in report["pairs"]) > 0
    assert all(its["of_these_same_lesion_id"] <= its["within_ham10000"] <= its["pairs"] for its in bins)
    rows = {
        (
            row["set"],
            row["split"],
            row["part"],
            row["against"]["set"],
            row["against"]["split"],
            len(row["against"]["parts"]),
        ): row
        for row in report["shared"]
    }
    own = rows["ham10000", "lesion", "test", "ham10000", "lesion", 3]
    assert own["lesion"] == 0
    assert rows["ham10000", "random", "test", "ham10000", "random", 3]["lesion"] > 0
    kaggle = rows["kaggle", "published", "test", "kaggle", "published", 3]
    assert kaggle["n"] == 20
    # Test picture 0 is the turned train picture 2; both pictures of HAM10000 show one lesion, so 1 shares it.
    assert kaggle["near_duplicate"] == 1
    assert kaggle["lesion"] == kaggle["either"] == 2
    for row in report["shared"]:
        assert max(row["near_duplicate"], row["lesion"]) <= row["either"] <= row["n"]


def test_table_is_printed(written: Path) -> None:
    printed = audit.text(json.loads((written / "audit.json").read_text()))
    assert "Kaggle pictures found in HAM10000: 3 of 80" in printed
    assert "Missing: isic2019, siim, pad_ufes" in printed


def test_audit_is_reproducible(sets: Path, written: Path, tmp_path: Path) -> None:
    found = audit.audit(datasets.find_sets([sets / "kaggle", sets / "ham"]))
    audit.write(found, tmp_path)
    for name in ("audit_pairs.csv", "kaggle_in_ham.csv", "audit.json"):
        again = (tmp_path / name).read_text()
        assert again == (written / name).read_text(), name
    assert not list(tmp_path.glob("*.tmp"))


@pytest.mark.parametrize("what", ["missing", "empty"])
def test_wrong_paths_are_one_sentence(what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit.main(["--data", str(tmp_path / "no" if what == "missing" else tmp_path), "--out", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("Expected")
    assert error.count("\n") == 1
    assert "Traceback" not in error


def test_unreadable_pairs_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(lesions.SkinModelError, match=r"Expected what python -m training\.audit wrote"):
        lesions.read_pairs(tmp_path / "none.csv")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(lesions.SkinModelError, match="Expected the columns"):
        lesions.read_pairs(tmp_path / "other.csv")


def test_committed_files_are_whole() -> None:
    pairs, kaggle = lesions.read_pairs(), pd.read_csv(datasets.KAGGLE_IN_HAM)
    report = json.loads(lesions.PAIRS.with_name("audit.json").read_text())
    assert len(pairs) == sum(row["exact"] + row["near"] for row in report["pairs"])
    assert len(kaggle) == report["kaggle_in_ham"]["found"]
    assert kaggle["id"].is_unique
    assert not pairs.duplicated(["set_a", "id_a", "set_b", "id_b"]).any()
    assert pairs["correlation"].min() >= report["rule"]["texture_correlation_at_least"] == duplicates.CORRELATION
    assert pairs["hash_distance"].max() <= report["rule"]["hash_distance_at_most"] == duplicates.HASH_DISTANCE
    assert lesions.PAIRS.stat().st_size < 1_000_000
    assert tuple(kaggle.columns) == audit.KAGGLE_COLUMNS


def test_committed_bins_hold_the_committed_pairs() -> None:
    pairs = lesions.read_pairs()
    bins = json.loads(lesions.PAIRS.with_name("audit.json").read_text())["rule"]["looked_at"]
    kept = [its for its in bins if its["from"] >= duplicates.CORRELATION]
    ham = pairs[(pairs["set_a"] == "ham10000") & (pairs["set_b"] == "ham10000")]
    assert sum(its["pairs"] for its in kept) == len(pairs)
    assert sum(its["within_ham10000"] for its in kept) == len(ham)
    assert sum(its["of_these_same_lesion_id"] for its in kept) == (ham["lesion_a"] == ham["lesion_b"]).sum()
    assert all(its["same"] <= its["looked_at"] <= its["pairs"] for its in bins)


def test_kaggle_pictures_show_the_lesions_of_ham10000() -> None:
    assert lesions.lesion_of("kaggle", Sample("k", "benign", "k", Drawn(draw(1)), about={"lesion_id": "L1"})) == "L1"
    assert lesions.lesion_of("kaggle", sample("k", group="L1")) is None


def test_committed_pairs_are_duplicates(real_sets: dict[str, list[Root]]) -> None:
    samples = {key: {its.id: its for its in datasets.LOADERS[key](roots)} for key, roots in real_sets.items()}
    for row in lesions.read_pairs().sample(50, random_state=0).to_dict("records"):
        ends = [samples[row["set_a"]][row["id_a"]], samples[row["set_b"]][row["id_b"]]]
        found = duplicates.find(duplicates.thumbnails(ends))
        assert len(found) == 1, row
        assert found["kind"][0] == row["kind"]
        assert found["correlation"][0] == pytest.approx(row["correlation"], abs=1e-3)
        assert found["hash_distance"][0] == row["hash_distance"]


# One model of each set and its labels.
ONE_OF_EACH = {(spec.dataset.key, spec.labels): name for name, spec in MODELS.items()}


@pytest.mark.parametrize("name", ONE_OF_EACH.values())
def test_clean_test_parts_share_nothing_with_what_the_model_knows(name: str, split_of) -> None:
    """By hand: no lesion of HAM10000 or ISIC 2019 and no committed pair reaches from the clean test part into the others."""
    spec = MODELS[name]
    key = spec.dataset.key
    samples, table = split_of(spec)
    part = dict(zip(table["id"], table["part"], strict=True))
    test = [its for its in samples if part[its.id] == "test"]
    known = [its for its in samples if part[its.id] != "test"]
    is_clean = lesions.clean(key, test, known)
    held = {its.id for its, good in zip(test, is_clean, strict=True) if good}
    known_ids = {its.id for its in known}
    seen = [{lesions.lesion_of(key, its) for its in samples if its.id in ids} - {None} for ids in (held, known_ids)]
    assert not seen[0] & seen[1]
    sets = ("ham10000", "isic2019") if key == "isic2019" else (key,)
    for row in lesions.read_pairs().to_dict("records"):
        if row["set_a"] in sets and row["set_b"] in sets:
            ends = {row["id_a"], row["id_b"]}
            assert not (ends & held and ends & known_ids), row
    assert 0.5 * len(test) < len(held) <= len(test)
