"""Leakage audit: which pictures of the public data sets are the same, and which test pictures a training part knows.

Finds exact and near duplicates within and across the sets, in all eight views, and lesions shared between parts. Writes
audit_pairs.csv (every pair), kaggle_in_ham.csv (what HAM10000 tells of the Kaggle pictures found in it) and audit.json (the
rule, the counts, the table printed). Ids only, no pictures.

The rule for near-duplicates was fixed by eye before any figure of a model was computed on a clean part. All pairs of HAM10000,
the ISIC 2019 part, the Kaggle set, melanoma_10k and PAD-UFES-20 that the hash lets through were put in bins of the
correlation of texture (training/duplicates.py), and up to 48 of a bin looked at side by side (``LOOKED_AT``). From 0.5 on
all 278 were the same photograph or plainly the same lesion taken again; from 0.45 to 0.5, 41 of 46; below, different dark
spots of like outline prevail. The threshold is 0.45: a false hit costs one clean test picture, a miss leaves a leak.
HAM10000's own lesion ids, which the rule does not see, agree: from 0.45 up they are equal in 211 of 218 pairs (of the other
7, looked at again, 4 show one lesion all the same), from 0.4 to 0.45 in 7 of 30. Held against an exhaustive search without the
hash, 12 bits miss 2 of 3552 pairs of 0.5 and more (at no shift). Which of two pictures is turned changes their hashes a little,
so that another order of the pictures lets other pairs through; the pairs looked at came from the order of the ids, and 6 that
the audit's order leaves out, all of different lesions, are not counted. What stays unfound: the same lesion taken at another
scale, or turned by anything but a right angle.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

from skinmodels.errors import SkinModelError
from skinmodels.registry import MODELS
from training.data import datasets, duplicates, lesions, splits
from training.data.datasets import Sample
from training.data.files import Root, find_csv
from training.fitting.runs import write_json, write_text

EXAMPLE = "example: python -m training.audit --data DIR_WITH_THE_ZIP_FILES"
# Judged by eye, by bin of the correlation: its edges, how many of its pairs in the full sets were looked at, and how many of
# those were one photograph or one lesion. The audit counts the pairs of each bin itself.
LOOKED_AT = (
    (0.35, 0.40, 44, 4),
    (0.40, 0.45, 47, 11),
    (0.45, 0.50, 46, 41),
    (0.50, 0.55, 19, 19),
    (0.55, 0.60, 19, 19),
    (0.60, 0.70, 48, 48),
    (0.70, 0.80, 48, 48),
    (0.80, 0.90, 48, 48),
    (0.90, 0.95, 48, 48),
    (0.95, 1.00, 48, 48),
)
# What is written of Kaggle pictures found in HAM10000: their id, HAM10000's own columns, and the correlation of the pair.
KAGGLE_COLUMNS = ("id", "image_id", "lesion_id", "dx", "dx_type", "age", "sex", "localization", "correlation")

KNOWN = ("train", "validation", "calibration")


@dataclass(frozen=True)
class Split:
    """How the pictures of one set are divided, and for which models."""

    key: str
    kind: str
    models: tuple[str, ...]
    parts: dict[str, list[Sample]]


@dataclass(frozen=True)
class Audit:
    """What was found: ``pairs`` as identity reads them, ``kaggle`` as KAGGLE_COLUMNS, and the counts of audit.json."""

    pairs: pd.DataFrame
    kaggle: pd.DataFrame
    report: dict


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line. Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m training.audit", description=(__doc__ or "").split("\n\n")[0], epilog=EXAMPLE
    )
    parser.add_argument("--data", nargs="+", required=True, metavar="DIR", help="folders or .zip files of the data sets")
    parser.add_argument(
        "--out",
        default=lesions.PAIRS.parent,
        metavar="DIR",
        help="where to write (default: training/data/)",
    )
    given = parser.parse_args(arguments)
    try:
        found = audit(datasets.find_sets(given.data))
        write(found, Path(given.out))
    except SkinModelError as error:
        print(error, file=sys.stderr)
        return 1
    print(text(found.report))
    print(f"Wrote {lesions.PAIRS.name}, {datasets.KAGGLE_IN_HAM.name} and audit.json in {given.out}")
    return 0


def audit(sets: Mapping[str, list[Root]]) -> Audit:
    """Audit of the sets at hand, roots by key as ``datasets.find_sets`` gives them. Raises SkinModelError."""
    samples = {key: datasets.LOADERS[key](roots) for key, roots in sets.items()}
    keyed = _distinct(samples)
    pictures = duplicates.thumbnails([sample for _, sample in keyed])
    # More than count as duplicates, down to the lowest correlation that was looked at.
    found = duplicates.find(pictures, correlation=LOOKED_AT[0][0])
    is_duplicate = found["correlation"] >= duplicates.CORRELATION
    metadata = find_csv(sets.get("ham10000", []), "HAM10000_metadata.csv", {"image_id"})
    kaggle = _kaggle_in_ham(keyed, found[is_duplicate], metadata)
    lesion_ids = _lesions(samples, kaggle)
    measured = _pairs(keyed, found, lesion_ids)
    pairs = measured[is_duplicate].reset_index(drop=True)
    report = {
        "rule": _rule(_bins(measured, found["correlation"])),
        "sets": {key: len(its) for key, its in samples.items()},
        "missing": [key for key in datasets.LOADERS if key not in samples],
        "pictures_compared": len(keyed),
        "pairs": _counted(pairs),
        "kaggle_in_ham": _kaggle_counts(samples.get("kaggle", []), kaggle),
        "shared": shared(_splits(samples), pairs, lesion_ids),
        "versions": {name: version(name) for name in ("imagehash", "numpy", "pillow", "scikit-learn", "scipy")},
    }
    return Audit(pairs, kaggle, report)


def _distinct(samples: Mapping[str, list[Sample]]) -> list[tuple[str, Sample]]:
    """Each picture once with its set's key: ISIC 2019 contains HAM10000, the same id is the same picture."""
    found: dict[str, tuple[str, Sample]] = {}
    for key in sorted(samples):
        for sample in samples[key]:
            found.setdefault(lesions.picture_node(key, sample.id), (key, sample))
    return list(found.values())


def _lesions(samples: Mapping[str, list[Sample]], kaggle: pd.DataFrame) -> dict[str, str]:
    """The lesion's name by the picture's, where it is known; Kaggle pictures take over HAM10000's."""
    found: dict[str, str] = {}
    for key, its in samples.items():
        for sample in its:
            if key != "kaggle" and sample.group != sample.id:
                found.setdefault(lesions.picture_node(key, sample.id), lesions.lesion_node(key, sample.group))
    for id, lesion in zip(kaggle["id"], kaggle["lesion_id"], strict=True):
        found[lesions.picture_node("kaggle", id)] = lesions.lesion_node("kaggle", lesion)
    return found


def _kaggle_in_ham(keyed: Sequence[tuple[str, Sample]], found: pd.DataFrame, metadata: pd.DataFrame | None) -> pd.DataFrame:
    """For each Kaggle picture found in HAM10000 what that tells of the picture it resembles most."""
    rows = []
    for a, b, correlation in zip(found["a"], found["b"], found["correlation"], strict=True):
        # Sets are in the order of their keys, so HAM10000's picture comes first.
        if keyed[a][0] == "ham10000" and keyed[b][0] == "kaggle":
            rows.append({"id": keyed[b][1].id, "image_id": keyed[a][1].id, "correlation": correlation})
    if not rows or metadata is None:
        return pd.DataFrame(columns=list(KAGGLE_COLUMNS))
    best = pd.DataFrame(rows).sort_values(["correlation", "image_id"], ascending=[False, True]).drop_duplicates("id")
    # An older copy of the metadata may lack some of the columns.
    table = best.merge(metadata, on="image_id", how="left").reindex(columns=list(KAGGLE_COLUMNS))
    return table.sort_values("id").reset_index(drop=True)


def _pairs(keyed: Sequence[tuple[str, Sample]], found: pd.DataFrame, lesion_ids: Mapping[str, str]) -> pd.DataFrame:
    table = pd.DataFrame({"kind": found["kind"], "hash_distance": found["hash_distance"]})
    for side in ("a", "b"):
        pictures = [keyed[row] for row in found[side]]
        table[f"set_{side}"] = [key for key, _ in pictures]
        table[f"id_{side}"] = [sample.id for _, sample in pictures]
        names = [lesion_ids.get(lesions.picture_node(key, sample.id), "") for key, sample in pictures]
        table[f"lesion_{side}"] = [name.rpartition("/")[2] for name in names]
    table["correlation"] = found["correlation"].astype(float).round(4)
    table["distance"] = found["distance"].astype(float).round(2)
    table["view"] = [duplicates.VIEWS[number] for number in found["view"]]
    return table[list(lesions.PAIR_COLUMNS)]


def _bins(measured: pd.DataFrame, correlation: pd.Series) -> list[dict]:
    """The bins of ``LOOKED_AT`` with their pairs, those within HAM10000, and how many of these have one lesion id."""
    # Copies have a correlation of 1 or, where rounding went up, a little more: the last bin has no upper edge.
    bin_of = np.digitize(correlation, [low for low, *_ in LOOKED_AT]) - 1
    within = (measured["set_a"] == "ham10000") & (measured["set_b"] == "ham10000")
    same_lesion = within & (measured["lesion_a"] == measured["lesion_b"])
    return [
        {
            "from": low,
            "to": high,
            "pairs": int((bin_of == number).sum()),
            "looked_at": looked_at,
            "same": same,
            "within_ham10000": int((within & (bin_of == number)).sum()),
            "of_these_same_lesion_id": int((same_lesion & (bin_of == number)).sum()),
        }
        for number, (low, high, looked_at, same) in enumerate(LOOKED_AT)
    ]


def _rule(bins: list[dict]) -> dict:
    """The rule of near-duplicates with its thresholds, and what was looked at to choose them."""
    return {
        "hash": "imagehash.phash, 64 bits, of the picture squashed to a grey square, against all 8 views",
        "side": duplicates.SIDE,
        "hash_distance_at_most": duplicates.HASH_DISTANCE,
        "shift_at_most": duplicates.SHIFT,
        "texture_correlation_at_least": duplicates.CORRELATION,
        "looked_at": bins,
    }


def _counted(pairs: pd.DataFrame) -> list[dict]:
    """Pairs by sets and kind; how many only match turned or mirrored, and have two known lesions, the same or different."""
    found = []
    for (set_a, set_b), its in pairs.groupby(["set_a", "set_b"]):
        both = (its["lesion_a"] != "") & (its["lesion_b"] != "")
        found.append(
            {
                "set_a": set_a,
                "set_b": set_b,
                "exact": int((its["kind"] == "exact").sum()),
                "near": int((its["kind"] == "near").sum()),
                "turned_or_mirrored": int((its["view"] != duplicates.VIEWS[0]).sum()),
                "same_lesion": int((both & (its["lesion_a"] == its["lesion_b"])).sum()),
                "different_lesions": int((both & (its["lesion_a"] != its["lesion_b"])).sum()),
            }
        )
    return found


def _kaggle_counts(samples: Sequence[Sample], kaggle: pd.DataFrame) -> dict:
    label = {sample.id: sample.label for sample in samples}
    part = {sample.id: sample.published_part for sample in samples}
    return {
        "n": len(samples),
        "found": len(kaggle),
        "by_label": dict(sorted(Counter(label[id] for id in kaggle["id"]).items())),
        "by_part": dict(sorted(Counter(part[id] for id in kaggle["id"]).items())),
        "by_diagnosis": dict(
            sorted(Counter(f"{label[id]}: {dx}" for id, dx in zip(kaggle["id"], kaggle["dx"], strict=True)).items())
        ),
    }


def _splits(samples: Mapping[str, list[Sample]]) -> list[Split]:
    """The seeded split of every model whose set is at hand, and the parts other sets come in."""
    models: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    for spec in MODELS.values():
        models[spec.dataset.key, tuple(spec.labels)].append(spec.name)
    found = []
    for (key, labels), names in models.items():
        known = [sample for sample in samples.get(key, []) if sample.label in labels]
        # Paper 2 splits HAM10000 by picture, so that lesions are in several parts.
        kinds = [splits.default_kind(key, known), *(["random"] if key == "ham10000" else [])]
        found += [_split(key, kind, tuple(names), known) for kind in kinds if known]
    for key in samples:
        if not any(spec.dataset.key == key for spec in MODELS.values()):
            parts: dict[str, list[Sample]] = defaultdict(list)
            for sample in samples[key]:
                parts[sample.published_part or "test"].append(sample)
            found.append(Split(key, "published" if "train" in parts else "whole", (), dict(parts)))
    return found


def _split(key: str, kind: str, models: tuple[str, ...], samples: Sequence[Sample]) -> Split:
    table = splits.split(samples, kind)
    parts: dict[str, list[Sample]] = defaultdict(list)
    for sample, part in zip(samples, table["part"], strict=True):
        parts[part].append(sample)
    return Split(key, kind, models, dict(parts))


def shared(found: Sequence[Split], pairs: pd.DataFrame, lesion_ids: Mapping[str, str]) -> list[dict]:
    """How many pictures of each test part stand in the parts that models of its own and of the other sets know.

    Also the validation and the calibration part against the training part of their own split.

    Args:
        found: the splits.
        pairs: duplicates as lesions.PAIR_COLUMNS.
        lesion_ids: lesion node by picture node, where known.

    Returns:
        A row for each comparison: ``n`` pictures of ``part``; how many have a duplicate among the pictures of ``against``
        (``near_duplicate``, the same picture included), show a lesion that these show (``lesion``), or are connected to
        them by a chain of both (``either``).
    """
    counter = _Shared(found, pairs, lesion_ids)
    rows = []
    for split in found:
        for part in ("validation", "calibration"):
            if part in split.parts:
                rows.append(counter.row(split, part, split, ("train",)))
        for other in found:
            if "train" in other.parts and "test" in split.parts:
                rows.append(counter.row(split, "test", other, ("train",)))
                if "validation" in other.parts:
                    rows.append(counter.row(split, "test", other, KNOWN))
    return rows


class _Shared:
    """Counts what two parts share."""

    def __init__(self, found: Sequence[Split], pairs: pd.DataFrame, lesion_ids: Mapping[str, str]) -> None:
        self.lesion_ids = lesion_ids
        self.twins: dict[str, set[str]] = defaultdict(set)
        ends = [zip(pairs[f"set_{side}"], pairs[f"id_{side}"], strict=True) for side in ("a", "b")]
        for a, b in zip(*ends, strict=True):
            self.twins[lesions.picture_node(*a)].add(lesions.picture_node(*b))
            self.twins[lesions.picture_node(*b)].add(lesions.picture_node(*a))
        everything = {(split.key, sample.id) for split in found for part in split.parts.values() for sample in part}
        listed = [(key, id, self._lesion_id(key, id)) for key, id in sorted(everything)]
        named = lesions.components(listed, pairs)
        self.component = {lesions.picture_node(*key): name for key, name in named.items()}

    def _lesion_id(self, key: str, id: str) -> str | None:
        return self.lesion_ids.get(lesions.picture_node(key, id), "").rpartition("/")[2] or None

    def row(self, split: Split, part: str, other: Split, against: Sequence[str]) -> dict:
        tested = [lesions.picture_node(split.key, sample.id) for sample in split.parts[part]]
        known = {lesions.picture_node(other.key, sample.id) for name in against for sample in other.parts.get(name, [])}
        known_lesions = {self.lesion_ids[node] for node in known if node in self.lesion_ids}
        known_components = {self.component[node] for node in known}
        return {
            "set": split.key,
            "split": split.kind,
            "models": list(split.models),
            "part": part,
            "n": len(tested),
            "against": {"set": other.key, "split": other.kind, "models": list(other.models), "parts": list(against)},
            "near_duplicate": sum(node in known or not known.isdisjoint(self.twins.get(node, ())) for node in tested),
            "lesion": sum(self.lesion_ids.get(node) in known_lesions for node in tested),
            "either": sum(self.component[node] in known_components for node in tested),
        }


def text(report: Mapping) -> str:
    """The report as people read it on the command line."""
    lines = [
        "Pictures: " + ", ".join(f"{key} {n}" for key, n in report["sets"].items()),
        *([f"Missing: {', '.join(report['missing'])}"] if report["missing"] else []),
        "",
        "Duplicates: pairs of pictures",
        *_aligned(report["pairs"], [[row[name] for name in row] for row in report["pairs"]]),
    ]
    kaggle = report["kaggle_in_ham"]
    if kaggle["n"] and "ham10000" in report["sets"]:
        by = ", ".join(f"{n} {name}" for name, n in kaggle["by_diagnosis"].items())
        lines += ["", f"Kaggle pictures found in HAM10000: {kaggle['found']} of {kaggle['n']} ({by})"]
    head = ["tested", "part", "n", "against", "parts", "near_duplicate", "lesion", "either"]
    rows = [
        [_title(row), row["part"], row["n"], _title(row["against"]), "+".join(row["against"]["parts"])]
        + [row[name] for name in ("near_duplicate", "lesion", "either")]
        for row in report["shared"]
    ]
    lines += ["", "Pictures tested that the parts on the right know", *_aligned([dict.fromkeys(head)], rows)]
    return "\n".join(lines)


def _title(row: Mapping) -> str:
    return f"{row['set']} ({row['split']})"


def _aligned(heads: Sequence[Mapping], rows: Sequence[Sequence]) -> list[str]:
    if not rows:
        return ["none"]
    table = [[str(cell) for cell in row] for row in [list(heads[0]), *rows]]
    widths = [max(len(cell) for cell in column) for column in zip(*table, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]


def write(found: Audit, folder: Path) -> None:
    """The three files, each written beside and renamed. Raises SkinModelError where the folder cannot be written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for table, name in ((found.pairs, lesions.PAIRS.name), (found.kaggle, datasets.KAGGLE_IN_HAM.name)):
            write_text(folder / name, table.to_csv(index=False, lineterminator="\n", float_format="%.6g"))
        write_json(folder / "audit.json", found.report)
    except OSError as error:
        raise SkinModelError(f"Expected a folder to write the audit to. Received: {folder}, {error}") from error


if __name__ == "__main__":
    sys.exit(main())
