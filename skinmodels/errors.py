"""The one error type whose text is meant for people."""

from __future__ import annotations

import errno


class SkinModelError(Exception):
    """Something a person can put right. Its text is one clear sentence, shown to them as it is."""


FULL = "The disk is full: nothing more can be stored. What was written before is kept."


def disk_is_full(error: BaseException) -> bool:
    """Whether that is why a file could not be written."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
