"""Data sets in their public layouts, filled with drawn pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from skinmodels.registry import MODELS

# Enough for each class to have a lesion in each part of a split.
LESIONS = 24
ISIC_PICTURES = 60


def picture(number: int, seed: int, side: int = 32) -> Image.Image:
    """A noisy picture whose colour follows its class number, so that a network can learn it."""
    random = np.random.default_rng(seed)
    base = np.array([40 + 30 * number, 220 - 25 * number, 60 + 50 * (number % 3)])
    return Image.fromarray(np.clip(base + random.normal(0, 20, (side, side, 3)), 0, 255).astype(np.uint8))


def save(image: Image.Image, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, quality=95)


def kaggle(root: Path, per_class: int = 30) -> Path:
    for part, count in (("train", per_class), ("test", per_class // 3)):
        for number, label in enumerate(("benign", "malignant")):
            for i in range(count):
                save(picture(number, i), root / part / label / f"{i}.jpg")
    return root


def ham10000(root: Path, folders: tuple[str, ...] = ("HAM10000_images_part_1", "HAM10000_images_part_2")) -> Path:
    """24 lesions a class; every third has two pictures."""
    rows: list[dict] = []
    for number, label in enumerate(MODELS["ham_cnn28"].labels):
        for lesion in range(LESIONS):
            for _shot in range(2 if lesion % 3 == 0 else 1):
                id = f"ISIC_{len(rows):07d}"
                known = {"dx_type": "histo" if lesion % 2 else "follow_up", "age": 5.0 * (lesion % 19)}
                where = {"sex": ("male", "female", "unknown")[lesion % 3], "localization": "back" if lesion % 5 else "unknown"}
                rows.append({"lesion_id": f"HAM_{label}_{lesion}", "image_id": id, "dx": label, **known, **where})
                save(picture(number, len(rows)), root / folders[len(rows) % len(folders)] / f"{id}.jpg")
    # Shuffled, so that nothing can rely on classes lying together.
    pd.DataFrame(rows).sample(frac=1, random_state=0).to_csv(root / "HAM10000_metadata.csv", index=False)
    return root


def isic2019(root: Path) -> Path:
    """All eight classes and a row without a picture; some lesions without an id, some files ``_downsampled``."""
    codes = ["MEL", "NV", "BCC", "AK", "BKL", "DF", "VASC", "SCC", "UNK"]
    truth: list[dict] = []
    metadata: list[dict] = []
    for number, label in enumerate(codes[:-1]):
        for lesion in range(ISIC_PICTURES):
            file = f"ISIC_{len(truth):07d}{'_downsampled' if lesion % 2 else ''}"
            # The public set has the suffix on some files alone, on others in both tables too.
            id = file if lesion % 3 else file.removesuffix("_downsampled")
            truth.append({"image": id, **{code: float(code == label) for code in codes}})
            metadata.append({"image": id, "lesion_id": f"L{label}{lesion // 2}" if lesion % 4 else None})
            if lesion or label != "NV":
                save(picture(number, len(truth)), root / "ISIC_2019_Training_Input" / f"{file}.jpg")
    pd.DataFrame(truth).to_csv(root / "ISIC_2019_Training_GroundTruth.csv", index=False)
    pd.DataFrame(metadata).to_csv(root / "ISIC_2019_Training_Metadata.csv", index=False)
    return root


def melanoma(root: Path, per_class: int = 12) -> Path:
    for part in ("train", "test"):
        for number, label in enumerate(("benign", "malignant")):
            for i in range(per_class):
                save(picture(number, 1000 + i), root / part / label / f"melanoma_{number}{i}.jpg")
    return root


def siim(root: Path, patients: int = 60) -> Path:
    """SIIM-ISIC 2020 as it is published: a table and one folder; two pictures a patient, every third patient malignant."""
    rows: list[dict] = []
    for patient in range(patients):
        for shot in range(2):
            id, target = f"ISIC_{len(rows):07d}", int(patient % 3 == 0)
            known = {"sex": "male" if patient % 2 else None, "age_approx": 40.0 + patient, "diagnosis": "unknown"}
            where = {"anatom_site_general_challenge": "torso", "benign_malignant": "malignant" if target else "benign"}
            rows.append({"image_name": id, "patient_id": f"IP_{patient}", **known, **where, "target": target})
            save(picture(target, 10 * patient + shot), root / "train" / f"{id}.jpg")
    pd.DataFrame(rows).to_csv(root / "train.csv", index=False)
    return root


def pad_ufes(root: Path, suffix: str = ".jpg", per_class: int = 8) -> Path:
    """All six diagnoses; every fourth picture without a skin type, and the last row without a picture."""
    rows: list[dict] = []
    for number, label in enumerate(("ACK", "BCC", "MEL", "NEV", "SCC", "SEK")):
        for i in range(per_class):
            id, biopsied = f"PAT_{i}_{number}_{len(rows)}", number % 2 == 0
            known = {"age": 8 * i, "gender": "FEMALE" if i % 2 else None, "region": "FACE", "biopsed": biopsied}
            kind = None if i % 4 == 0 else float(1 + i % 3)
            rows.append({"patient_id": f"PAT_{i}", "img_id": f"{id}.png", "diagnostic": label, "fitspatrick": kind, **known})
            save(picture(number, len(rows)), root / "images" / f"{id}{suffix}")
    rows.append(rows[0] | {"img_id": "PAT_9_9_9.png"})
    pd.DataFrame(rows).to_csv(root / "metadata.csv", index=False)
    return root


MAKERS: dict[str, Callable[[Path], Path]] = {
    "kaggle": kaggle,
    "ham10000": ham10000,
    "isic2019": isic2019,
    "siim": lambda root: melanoma(root, per_class=40),
}
