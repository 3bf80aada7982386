"""HTML from the templates that lie beside the code; whatever text comes in is escaped."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined


@cache
def templates(package: str) -> Environment:
    """The templates in that package's folder ``templates``. A name that a template asks for and is not given is an error."""
    return Environment(
        loader=PackageLoader(package), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def text(package: str, file: str) -> str:
    """A file in that folder as it is, such as a style sheet."""
    environment = templates(package)
    assert environment.loader is not None
    return environment.loader.get_source(environment, file)[0]
