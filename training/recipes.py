"""How each network is trained. A recipe states what differs from the defaults, with the time it takes and what to expect."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from skinmodels.errors import SkinModelError
from training.augment import Augmentation


@dataclass(frozen=True)
class Recipe:
    """Attributes:
    epochs, batch_size: as they say; ``steps``: batches an epoch, or None for one pass over the pool drawn from.
    optimizer: "adam", "adamw", "rmsprop" or "sgd", with ``learning_rate`` and ``weight_decay`` (AdamW only).
    momentum: of SGD.
    clip_norm: each weight's gradient is shortened to this norm; None leaves it.
    schedule: "constant", "cosine" down to a hundredth over the epochs, or "plateau": halved after 3 epochs without better
        training accuracy, and stopped after 10 without better val_loss.
    balance: on the training part only, "natural" draws; "oversample", which repeats pictures of smaller classes; "undersample",
        which leaves out, each epoch others, of larger ones; "threshold", which does so above ``threshold`` pictures and
        weights smaller classes up; "weights" in the loss; or "adjusted", natural draws and a loss that expects them, so that
        the network learns the probabilities of equally frequent classes (Menon et al. 2021, "Long-tail learning via logit
        adjustment").
    select: validation figure that the best checkpoint has highest, or "last": the checkpoint of the last epoch.
    mixup: strength of MixUp, the parameter of its Beta distribution; 0 is none.
    averaged: momentum of the moving average of the weights that is validated and published; 0 takes the weights themselves.
    norm_momentum: of every batch normalisation; None leaves the builder's.
    start: layer that ends the part started from ImageNet weights, or None for random weights.
    frozen: layer that ends the part that is not trained, or None. Its features are kept on disk for every training picture
        and ``copies`` augmented copies of it, of which batches draw.
    first: a recipe run before this one, whose best weights this one goes on from; None starts anew.
    member: layer of the network that this trains, where that is the mean of several; the others belong to ``first``.
    side: pictures are trained on at this height and width, where that is not the size the network is served at.
    float32: publish the weights as they are, not as float16.
    deviations: what the paper does otherwise or is silent on, shown with the model.
    """

    epochs: int
    batch_size: int
    select: str
    steps: int | None = None
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    momentum: float = 0.0
    clip_norm: float | None = None
    schedule: str = "constant"
    balance: str = "natural"
    threshold: int = 0
    augmentation: Augmentation = field(default_factory=Augmentation)
    mixup: float = 0.0
    averaged: float = 0.0
    norm_momentum: float | None = None
    start: str | None = None
    frozen: str | None = None
    copies: int = 0
    first: Recipe | None = None
    member: str | None = None
    side: int | None = None
    float32: bool = False
    deviations: tuple[str, ...] = ()


_REFERENCE = Recipe(
    epochs=30,
    steps=200,
    batch_size=32,
    select="last",
    optimizer="adamw",
    learning_rate=4e-4,
    weight_decay=0.05,
    schedule="cosine",
    balance="adjusted",
    augmentation=Augmentation(shift=0.1, zoom=0.2, brightness=0.08, contrast=0.15, saturation=0.15, hue=0.015),
    mixup=0.3,
    averaged=0.998,
    norm_momentum=0.998,
    start="out_relu",
    member="at_160",
    side=160,
    float32=True,
)

_AUGMENTED = "augmented with mirror images, right-angle turns, small shifts, zoom and colour changes; the paper names none"

_THRESHOLD = (
    "a class with fewer than 867 training pictures stays as it is, and its loss is weighted up",
    "the 867 pictures of a larger class are drawn anew every epoch",
)
_STRONGER = "pictures are also mirrored and changed a little in brightness, contrast and colour; turns are by right angles"

RECIPES = {
    # Two cores: about 13 minutes. Test accuracy about 0.8.
    "kaggle_cnn_large": Recipe(
        epochs=10,
        steps=200,
        batch_size=16,
        select="val_auc",
        schedule="cosine",
        augmentation=Augmentation(contrast=0, saturation=0, hue=0),
        deviations=(
            _AUGMENTED,
            "the paper is silent on optimiser and batch: Adam at 0.001 falling along a cosine, batches of 16",
        ),
    ),
    # Two cores: about 13 minutes. Test accuracy about 0.8.
    "kaggle_cnn_small": Recipe(
        epochs=10,
        steps=100,
        batch_size=16,
        select="val_auc",
        schedule="cosine",
        augmentation=Augmentation(contrast=0, saturation=0, hue=0),
        deviations=(
            _AUGMENTED,
            "the paper is silent on optimiser and batch: Adam at 0.001 falling along a cosine, batches of 16",
        ),
    ),
    # Two cores: about 7 minutes. Balanced accuracy about 0.6 by lesion.
    "ham_cnn28": Recipe(
        epochs=50,
        steps=20,
        batch_size=128,
        select="val_accuracy",
        schedule="cosine",
        balance="oversample",
        augmentation=Augmentation(brightness=0.03, contrast=0.05, saturation=0.05, hue=0.0),
        norm_momentum=0.97,
        deviations=(
            "an epoch shows 20 batches drawn from the oversampled pool instead of all of it, since longer training overfits",
            "the learning rate falls from 0.001 along a cosine; batch normalisation averages with momentum 0.97",
            "augmented with mirror images, right-angle turns, small shifts, zoom and colour changes; it does not say how",
        ),
    ),
    # Two cores: four hours, first at 160x160, then at 192x192. Balanced accuracy about 0.77 by lesion.
    "ham_reference": replace(_REFERENCE, first=_REFERENCE, epochs=20, learning_rate=3e-4, member="at_192", side=None),
    # Two cores: about 16 minutes. Balanced accuracy about 0.6 by lesion.
    "isic_mobilenet": Recipe(
        epochs=25,
        batch_size=64,
        select="val_balanced_accuracy",
        optimizer="adamw",
        learning_rate=1e-3,
        weight_decay=0.01,
        schedule="cosine",
        balance="threshold",
        threshold=867,
        augmentation=Augmentation(zoom=0.15, hue=0.01),
        mixup=0.2,
        norm_momentum=0.97,
        start="out_relu",
        float32=True,
        deviations=(
            *_THRESHOLD,
            "the paper is silent on optimiser and schedule: AdamW at 0.001 falling along a cosine, batches of 64, MixUp of 0.2",
            "batch normalisation averages with momentum 0.97; dropout 0.3 before the last layer as regularisation",
        ),
    ),
}


def recipe_for(name: str) -> Recipe:
    """The recipe of that model. Raises SkinModelError naming those there are."""
    if name not in RECIPES:
        raise SkinModelError(f"Expected a model name, one of {', '.join(RECIPES)}. Received: {name!r}")
    return RECIPES[name]
