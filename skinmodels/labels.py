"""What the class codes of the data sets mean, in words.

Codes are written as each data set writes them: HAM10000 in lower case, ISIC 2019 in capitals, the Kaggle folders by name.
"""

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
