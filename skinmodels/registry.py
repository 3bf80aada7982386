"""Every model, in display order."""

from skinmodels.architectures.ham_cnn import HAM_CNN28
from skinmodels.architectures.kaggle_cnn import KAGGLE_CNN_LARGE, KAGGLE_CNN_SMALL
from skinmodels.architectures.mobilenet import HAM_REFERENCE, ISIC_MOBILENET
from skinmodels.errors import SkinModelError
from skinmodels.spec import ModelSpec

MODELS: dict[str, ModelSpec] = {
    spec.name: spec
    for spec in (
        KAGGLE_CNN_LARGE,
        KAGGLE_CNN_SMALL,
        HAM_REFERENCE,
        HAM_CNN28,
        ISIC_MOBILENET,
    )
}


def model_spec(name: str) -> ModelSpec:
    """The spec of that name. Raises SkinModelError naming the models there are."""
    if name not in MODELS:
        raise SkinModelError(f"Expected a model name, one of {', '.join(MODELS)}. Received: {name!r}")
    return MODELS[name]
