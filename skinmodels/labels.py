"""What the class codes of the data sets mean, in words.

Codes are written as each data set writes them: HAM10000 in lower case, ISIC 2019 in capitals, the Kaggle folders by name.
"""

from collections.abc import Iterable, Mapping

NAMES = {
    # Kaggle "Skin Cancer: Malignant vs. Benign": its two folders.
    "benign": "Benign",
    "malignant": "Malignant",
    # HAM10000: Tschandl, Rosendahl, Kittler, "The HAM10000 dataset", Scientific Data 5 (2018), table 1.
    "akiec": "Actinic keratosis or Bowen's disease",
    "bcc": "Basal cell carcinoma",
    "bkl": "Benign keratosis",
    "df": "Dermatofibroma",
    "mel": "Melanoma",
    "nv": "Melanocytic nevus (mole)",
    "vasc": "Vascular lesion",
    # ISIC 2019 challenge, task 1.
    "AK": "Actinic keratosis",
    "BCC": "Basal cell carcinoma",
    "BKL": "Benign keratosis",
    "MEL": "Melanoma",
    "NV": "Melanocytic nevus (mole)",
    "SCC": "Squamous cell carcinoma",
}


def readable(code: str) -> str:
    """The class name shown to people, with its code: ``"Melanoma [mel]"``. Raises KeyError for an unknown code."""
    name = NAMES[code]
    return name if name.lower() == code else f"{name} [{code}]"


# The diagnoses that count as malignant on the one axis all models share.
MALIGNANT = frozenset({"malignant", "akiec", "bcc", "mel", "AK", "BCC", "MEL", "SCC"})

MALIGNANT_SOURCE = (
    "Melanoma, basal cell and squamous cell carcinoma count as malignant, and so do actinic keratosis and carcinoma in situ "
    "(Bowen's disease), grouped as in Tschandl et al., Lancet Oncology 20 (2019). The last is a judgement call: an actinic "
    "keratosis is a precursor, HAM10000 has it in one class with carcinoma in situ, and PAD-UFES-20 counts it as no cancer."
)

# Malignant diagnoses, and the codes under which a set of labels may hold them.
_DIAGNOSES = {
    "melanoma": {"mel", "MEL", "malignant"},
    "basal cell carcinoma": {"bcc", "BCC", "malignant"},
    "squamous cell carcinoma": {"SCC", "malignant"},
    "actinic keratosis or carcinoma in situ": {"akiec", "AK", "malignant"},
}


def malignancy(probabilities: Mapping[str, float]) -> float:
    """The probability of malignancy, 0..1: the sum over the malignant classes of probabilities by code."""
    return min(1.0, sum(share for code, share in probabilities.items() if code in MALIGNANT))


def blind_spots(codes: Iterable[str]) -> tuple[str, ...]:
    """Malignant diagnoses that a model with these classes has no class for."""
    known = set(codes)
    return tuple(name for name, needed in _DIAGNOSES.items() if not needed & known)
