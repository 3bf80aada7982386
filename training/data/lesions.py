"""Which pictures show the same lesion, also across data sets: from the lesion ids and from the committed duplicates.

Reads what ``python -m training.audit`` wrote: audit_pairs.csv beside this file holds ids alone, so the same pictures are found
clean wherever a model is evaluated, without the other sets at hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from skinmodels.errors import SkinModelError
from training.data.datasets import Sample

PAIRS = Path(__file__).with_name("audit_pairs.csv")
PAIR_COLUMNS = (
    "set_a",
    "id_a",
    "set_b",
    "id_b",
    "kind",
    "hash_distance",
    "correlation",
    "distance",
    "view",
    "lesion_a",
    "lesion_b",
)

# These share their picture ids and their lesion ids: ISIC 2019 contains HAM10000.
_ARCHIVE = frozenset({"ham10000", "isic2019"})

Key = tuple[str, str]


def read_pairs(path: str | Path = PAIRS) -> pd.DataFrame:
    """The duplicates the audit found, columns ``PAIR_COLUMNS``; unknown lesions are "". Raises SkinModelError."""
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise SkinModelError(f"Expected what python -m training.audit wrote at {path}. Received: {error}") from error
    if missing := sorted(set(PAIR_COLUMNS) - set(table.columns)):
        raise SkinModelError(
            f"Expected the columns {', '.join(PAIR_COLUMNS)} in {path}. Received: none of {', '.join(missing)}"
        )
    for column in ("hash_distance", "correlation", "distance"):
        table[column] = pd.to_numeric(table[column])
    return table


@cache
def _committed_pairs() -> pd.DataFrame:
    return read_pairs()


def lesion_of(set_key: str, sample: Sample) -> str | None:
    """The lesion (or patient) a picture shows, where its set, or for Kaggle pictures HAM10000, tells."""
    if set_key == "kaggle":
        return sample.about.get("lesion_id")
    return sample.group if sample.group != sample.id else None


def components(pictures: Iterable[tuple[str, str, str | None]], pairs: pd.DataFrame) -> dict[Key, str]:
    """A name for each picture's component: equal for two pictures that a chain of shared lesions and duplicates connects.

    Args:
        pictures: (set key, picture id, lesion id or None). HAM10000 and ISIC 2019 share both kinds of ids.
        pairs: duplicates as ``read_pairs`` gives them; they connect pictures also through ones that are not given.
    """
    listed = list(pictures)
    edges = [
        (picture_node(key, id), lesion_node(key, lesion) if lesion else picture_node(key, id)) for key, id, lesion in listed
    ]
    for side in ("a", "b"):
        shown = zip(pairs[f"set_{side}"], pairs[f"id_{side}"], pairs[f"lesion_{side}"], strict=True)
        edges += [(picture_node(key, id), lesion_node(key, lesion)) for key, id, lesion in shown if lesion]
    ends = [zip(pairs[f"set_{side}"], pairs[f"id_{side}"], strict=True) for side in ("a", "b")]
    edges += [(picture_node(*a), picture_node(*b)) for a, b in zip(*ends, strict=True)]
    names = sorted({node for edge in edges for node in edge})
    if not names:
        return {}
    number = {name: i for i, name in enumerate(names)}
    rows, columns = ([number[edge[end]] for edge in edges] for end in (0, 1))
    graph = coo_array((np.ones(len(edges), bool), (rows, columns)), shape=(len(names), len(names)))
    _, component = connected_components(graph, directed=False)
    first: dict[int, str] = {}
    for name in names:
        first.setdefault(component[number[name]], name)
    return {(key, id): first[component[number[picture_node(key, id)]]] for key, id, _ in listed}


def picture_node(key: str, id: str) -> str:
    """One name for a picture in whatever set it is: HAM10000's are in ISIC 2019 too."""
    return f"{'isic' if key in _ARCHIVE else key}/{id}"


def lesion_node(key: str, lesion: str) -> str:
    """One name for a lesion in whatever set it is shown."""
    # Kaggle pictures have HAM10000's lesions, or none.
    return f"lesion {'isic' if key in _ARCHIVE or key == 'kaggle' else key}/{lesion}"


def clean(
    set_key: str,
    tested: Sequence[Sample],
    known: Sequence[Sample],
    known_key: str | None = None,
    pairs: pd.DataFrame | None = None,
) -> np.ndarray:
    """Which of the tested pictures share no lesion and no near-duplicate, not even through others, with what a model knows.

    Args:
        set_key: data set of the tested pictures.
        tested: the pictures to test on.
        known: all pictures the model was trained, selected or calibrated on.
        known_key: their data set, where it is another one.
        pairs: duplicates; the committed ones unless given.

    Returns:
        (len(tested),) of bool. Raises SkinModelError where the committed duplicates cannot be read.
    """
    their_key = known_key or set_key
    held = [(their_key, sample.id, lesion_of(their_key, sample)) for sample in known]
    return _apart(set_key, tested, held, _committed_pairs() if pairs is None else pairs)


def unlike(set_key: str, tested: Sequence[Sample], other_key: str, pairs: pd.DataFrame | None = None) -> np.ndarray:
    """Which of the tested pictures share no near-duplicate with any picture of another set, which need not be at hand.

    Arguments, value and errors as those of ``clean``; ``other_key``: the other set.
    """
    pairs = _committed_pairs() if pairs is None else pairs
    alike = [(other_key, id, None) for side in ("a", "b") for id in pairs[f"id_{side}"][pairs[f"set_{side}"] == other_key]]
    return _apart(set_key, tested, alike, pairs)


def _apart(
    set_key: str, tested: Sequence[Sample], held: Sequence[tuple[str, str, str | None]], pairs: pd.DataFrame
) -> np.ndarray:
    pictures = [(set_key, sample.id, lesion_of(set_key, sample)) for sample in tested]
    component = components([*pictures, *held], pairs)
    taken = {component[key, id] for key, id, _ in held}
    return np.array([component[key, id] not in taken for key, id, _ in pictures], dtype=bool)
