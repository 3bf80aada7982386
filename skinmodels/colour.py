"""Colours as sRGB, whatever space an embedded ICC profile says the values are in."""

from __future__ import annotations

import io
import logging

from PIL import Image, ImageCms

log = logging.getLogger(__name__)

# A profile's own word for the colours it is for, and the mode in which a picture of such colours is held.
_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
_GREY = ("1", "L", "LA", "La")
_AS_THEY_ARE = ("CMYK", "LAB")


def to_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """The picture as RGB in sRGB, 8 bits a channel; its transparency is dropped.

    Relative colorimetric with black point compensation, as photo editors do: white stays white, and sRGB stays as it is.
    Without a profile RGB and grey are taken for sRGB, and CMYK for what is left of white light.

    Args:
        picture: of any mode with 8 bits a channel, or one.
        profile: an ICC profile, or None. One that is damaged, or made for other channels than the picture has, is ignored.
    """
    if not profile and picture.mode != "LAB":
        return picture.convert("RGB")
    colours = _colours(picture)
    try:
        source = _lab() if colours.mode == "LAB" else ImageCms.ImageCmsProfile(io.BytesIO(profile or b""))
        return _transformed(_as_described(colours, source), source)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        log.info("Ignored a colour profile: %s: %s", type(error).__name__, error)
        return colours.convert("RGB")


def _colours(picture: Image.Image) -> Image.Image:
    """The colour channels alone: L, CMYK, LAB or RGB."""
    return picture if picture.mode in _AS_THEY_ARE else picture.convert("L" if picture.mode in _GREY else "RGB")


def _as_described(colours: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    """The picture in the mode the profile is for; an RGB profile says of grey what its neutral colours are."""
    mode = "LAB" if colours.mode == "LAB" else _MODES.get(profile.profile.xcolor_space.strip())
    if (colours.mode, mode) == ("L", "RGB"):
        return colours.convert("RGB")
    if mode != colours.mode:
        raise ValueError(f"a profile for {profile.profile.xcolor_space} in a picture of {colours.mode}")
    return colours


def _transformed(picture: Image.Image, source: ImageCms.ImageCmsProfile) -> Image.Image:
    """Profiles are opened for each picture: that takes milliseconds, and nobody's profile is kept."""
    result = ImageCms.profileToProfile(
        picture,
        source,
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode="RGB",
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    assert result is not None  # only where a picture is changed in place
    return result


def _lab() -> ImageCms.ImageCmsProfile:
    """What Lab pictures need no profile for: their values are colours."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
