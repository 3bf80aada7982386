"""How each network is trained. A recipe states what differs from the defaults, with the time it takes and what to expect."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from skinmodels.errors import SkinModelError
from training.fitting.augmentation import Augmentation


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
    standardised: layer up to which random weights are scaled, and biases set, as ``initializers`` says, or None.
    start: layer that ends the part started from ImageNet weights, or None for random weights.
    frozen: layer that ends the part that is not trained, or None. Its features are kept on disk for every training picture
        and ``copies`` augmented copies of it, of which batches draw.
    first: a recipe run before this one, whose best weights this one goes on from; None starts anew.
    member: layer of the network that this trains, where that is the mean of several; the others belong to ``first``.
    side: pictures are trained on at this height and width, where that is not the size the network is served at.
    float32: publish the weights as they are, not as float16.
    deviations: what the paper does otherwise or is silent on, shown with the model.
    minutes: about how long it takes on two cores, with bfloat16 where they have it.
    also_at_random: train it a second time on pictures split at random, as its paper does, for what that is worth.
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
    standardised: str | None = None
    start: str | None = None
    frozen: str | None = None
    copies: int = 0
    first: Recipe | None = None
    member: str | None = None
    side: int | None = None
    float32: bool = False
    deviations: tuple[str, ...] = ()
    minutes: int = 0
    also_at_random: bool = False


# What is said of a recipe and changes nothing in what it trains.
SAID = ("deviations", "minutes", "also_at_random")


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

_SIIM = Recipe(
    minutes=220,
    epochs=180,
    batch_size=8,
    select="val_auc",
    optimizer="sgd",
    learning_rate=1e-3,
    momentum=0.9,
    schedule="plateau",
    balance="undersample",
    augmentation=Augmentation(shift=0.1, zoom=0.1, shear=0.1, brightness=0, contrast=0, saturation=0, hue=0),
    deviations=(
        "momentum of 0.9, without which SGD at 0.001 hardly leaves its start; batches of 8 instead of 32",
        "pictures of Melanoma 10,000, which are 300x300 and are enlarged to 500x500; its training part, half of it benign, "
        "instead of about 1,000 pictures of SIIM-ISIC 2020",
        "15 % of that is held out instead of 20 %: half of this selects the epoch, by ROC-AUC, half fits the calibration",
        "turns by right angles besides both mirror images; shear by up to a tenth of the side, where the paper's 0.1 may be "
        "degrees; what shifts and turns uncover is filled with its mirror image",
    ),
)

_COPIES = Augmentation(rotation=0.1, shift=0.1, zoom=0.15, contrast=0.15, saturation=0.15)
_PAPER_4 = (
    "the paper names class weights, dropout, Adam and copies translated, rotated and zoomed, not how many or how far; here "
    "pictures are also mirrored and changed a little in brightness, contrast and colour",
    "the learning rate falls along a cosine",
    "split by lesion; the paper splits by picture",
)

_STANDARDISED = "are scaled, and biases set, so that units have mean 0 and spread 1 over 64 training pictures"
_FEWER_NEVI = (
    "an epoch shows 867 nevi, others every time, and class weights even what is left; with class weights alone the rarest "
    "classes' few pictures were most of every batch's gradient"
)

# From random weights. First on pictures of 96x96, less than a fifth of the work.
_VGG16 = Recipe(
    epochs=47,
    steps=100,
    batch_size=32,
    select="val_balanced_accuracy",
    learning_rate=1e-4,
    clip_norm=1.0,
    schedule="cosine",
    balance="threshold",
    threshold=867,
    augmentation=_COPIES,
    standardised="block5_pool",
    side=96,
)

# Of the MobileNet, on which that of the ResNet builds.
_ISIC = Recipe(
    minutes=16,
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
)

RECIPES = {
    # Two cores: about 13 minutes. Test accuracy about 0.8.
    "kaggle_cnn_large": Recipe(
        minutes=13,
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
        minutes=13,
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
        minutes=7,
        also_at_random=True,
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
    "ham_reference": replace(
        _REFERENCE, minutes=240, first=_REFERENCE, epochs=20, learning_rate=3e-4, member="at_192", side=None
    ),
    # Two cores: about 13 minutes for the features of the frozen part, then one an epoch in bfloat16. Balanced accuracy about
    # 0.64 by lesion after 36.
    "ham_resnet50": Recipe(
        minutes=63,
        epochs=50,
        steps=120,
        batch_size=32,
        select="last",
        learning_rate=3e-4,
        schedule="cosine",
        balance="weights",
        augmentation=_COPIES,
        mixup=0.2,
        averaged=0.99,
        norm_momentum=0.98,
        start="stage3_unit6_add",
        frozen="stage3_unit6_add",
        copies=3,
        deviations=(
            *_PAPER_4,
            "ResNet-50 v2 with stages 1 to 3 frozen, whose features are kept of each picture and three changed copies of it",
            "an epoch is 120 batches of 32; Adam at 0.0003; MixUp of 0.2 between features; the weights are moving averages "
            "with momentum 0.99, and batch normalisation averages with 0.98",
        ),
    ),
    # Two cores: about 35 seconds an epoch in bfloat16. Balanced accuracy about 0.4 by lesion after 15.
    "ham_cnn512": Recipe(
        minutes=30,
        epochs=50,
        steps=100,
        batch_size=32,
        select="val_balanced_accuracy",
        learning_rate=2e-4,
        clip_norm=1.0,
        schedule="cosine",
        balance="threshold",
        threshold=867,
        augmentation=_COPIES,
        standardised="dense",
        deviations=(
            *_PAPER_4,
            "pictures of 128x128 instead of 512x512",
            f"random weights, the last layer's excepted, {_STANDARDISED}",
            _FEWER_NEVI,
            "an epoch is 100 batches of 32; Adam at 0.0002; each weight's gradient is shortened to a norm of 1",
        ),
    ),
    # Two cores: about two minutes an epoch at 96x96 and eight at 224x224, in bfloat16. Balanced accuracy about 0.26 by lesion
    # after 12 and 3 epochs of half that length.
    "ham_vgg16": replace(
        _VGG16,
        minutes=120,
        first=_VGG16,
        epochs=3,
        learning_rate=5e-5,
        side=None,
        deviations=(
            *_PAPER_4,
            f"random weights of the convolutions {_STANDARDISED}",
            _FEWER_NEVI,
            "from random weights and trained in full, as no ImageNet weights were at hand (--imagenet starts from them)",
            "in full 47 epochs on pictures of 96x96 with Adam at 0.0001, then 3 of 224x224 at 0.00005, each of 100 batches of "
            "32; each weight's gradient is shortened to a norm of 1",
        ),
    ),
    # Two cores: about 2 minutes an epoch in bfloat16, so hours for all of them. ROC-AUC about 0.9 after ten.
    "siim_cnn_v2": _SIIM,
    # Two cores: about 2 minutes an epoch in bfloat16.
    "siim_cnn_v1": _SIIM,
    # Two cores: about 8 minutes an epoch in bfloat16. ROC-AUC about 0.86 after the first.
    "siim_cnn_v3": replace(_SIIM, minutes=510),
    # Two cores: about 16 minutes. Balanced accuracy about 0.6 by lesion.
    "isic_mobilenet": _ISIC,
    # Two cores: about 10 minutes in bfloat16. Balanced accuracy about 0.6 by lesion.
    "isic_resnet50": replace(
        _ISIC,
        minutes=10,
        epochs=15,
        learning_rate=5e-4,
        start="stage3_unit6_add",
        float32=False,
        deviations=(
            *_THRESHOLD,
            "the paper is silent on how: AdamW at 0.0005 falling along a cosine, batches of 64, MixUp of 0.2; stages 1 to 3 "
            "start from ImageNet weights, and all of it is trained; batch normalisation averages with momentum 0.97",
        ),
    ),
    # Two cores: about 11 minutes in bfloat16. Balanced accuracy about 0.5 by lesion. At a rate of 0.0003 it did not leave its
    # start.
    "isic_alexnet": Recipe(
        minutes=11,
        epochs=40,
        batch_size=32,
        select="val_balanced_accuracy",
        learning_rate=1e-4,
        clip_norm=1.0,
        schedule="cosine",
        balance="threshold",
        threshold=867,
        augmentation=Augmentation(zoom=0.15, hue=0.01),
        deviations=(
            *_THRESHOLD,
            "the paper is silent on how: Adam at 0.0001 falling along a cosine, batches of 32, each weight's gradient "
            "shortened to a norm of 1",
        ),
    ),
}

# Those of networks that can start from ImageNet weights which Keras downloads.
IMAGENET = {
    "ham_vgg16": replace(
        RECIPES["ham_resnet50"],
        start="block5_pool",
        frozen="block4_pool",
        norm_momentum=None,
        steps=60,
        batch_size=64,
        averaged=0.98,
        learning_rate=1e-4,
        deviations=(
            *_PAPER_4,
            "frozen up to block 4, whose features are kept of each picture and three changed copies of it",
            "an epoch is 60 batches of 64; Adam at 0.0001; MixUp of 0.2 between features; the weights are moving averages with "
            "momentum 0.98",
        ),
    )
}


def recipe_for(name: str, imagenet: bool = False) -> Recipe:
    """The recipe of that model, or the one from Keras's ImageNet weights. Raises SkinModelError naming those there are."""
    if imagenet and name not in IMAGENET and name in RECIPES:
        raise SkinModelError(f"Expected --imagenet for {', '.join(IMAGENET)} alone. Received: {name}")
    if name not in RECIPES:
        raise SkinModelError(f"Expected a model name, one of {', '.join(RECIPES)}. Received: {name!r}")
    return IMAGENET[name] if imagenet else RECIPES[name]
