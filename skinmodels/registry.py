"""Every model, in display order."""

from skinmodels.architectures.alexnet import ISIC_ALEXNET
from skinmodels.architectures.ham_cnn import HAM_CNN28, HAM_CNN512
from skinmodels.architectures.kaggle_cnn import KAGGLE_CNN_LARGE, KAGGLE_CNN_SMALL
from skinmodels.architectures.mobilenet import HAM_REFERENCE, ISIC_MOBILENET
from skinmodels.architectures.resnet50 import HAM_RESNET50, ISIC_RESNET50
from skinmodels.architectures.siim_cnn import SIIM_CNN_V1, SIIM_CNN_V2, SIIM_CNN_V3
from skinmodels.architectures.vgg16 import HAM_VGG16
from skinmodels.errors import SkinModelError
from skinmodels.spec import ModelSpec

MODELS: dict[str, ModelSpec] = {
    spec.name: spec
    for spec in (
        KAGGLE_CNN_LARGE,
        KAGGLE_CNN_SMALL,
        HAM_REFERENCE,
        HAM_CNN28,
        HAM_RESNET50,
        HAM_CNN512,
        HAM_VGG16,
        SIIM_CNN_V2,
        SIIM_CNN_V1,
        SIIM_CNN_V3,
        ISIC_MOBILENET,
        ISIC_RESNET50,
        ISIC_ALEXNET,
    )
}


def model_spec(name: str) -> ModelSpec:
    """The spec of that model. Raises SkinModelError naming those there are."""
    if name not in MODELS:
        raise SkinModelError(f"Expected a model name, one of {', '.join(MODELS)}. Received: {name!r}")
    return MODELS[name]
