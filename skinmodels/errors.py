"""The one error type whose text is meant for people."""


class SkinModelError(Exception):
    """Something a person can put right. Its text is one clear sentence, shown to them as it is."""
