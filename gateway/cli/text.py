"""Texts as arguments of commands."""

from typing import Any
from urllib.parse import urlsplit

import click


class TextType(click.ParamType[str]):
    """A text that UTF-8 can hold; bytes that are none reach Python as lone surrogates and would fail somewhere else."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return `value`; a usage error when it cannot be encoded."""
        text = str(value)
        try:
            text.encode()
        except UnicodeEncodeError:
            self.fail(f"{text!r} is not UTF-8.", param, ctx)
        return text


class UrlType(TextType):
    """The URL of a server, with a prefix or without."""

    name = "url"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return `value`; a usage error where nobody could be asked there."""
        text = super().convert(value, param, ctx)
        try:
            parts = urlsplit(text)
            complete = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
        except ValueError as fault:
            self.fail(f"{text!r}: {fault}.", param, ctx)
        if not complete:
            self.fail(f"{text!r}: write the whole URL, beginning with https://.", param, ctx)
        if parts.query or parts.fragment:
            self.fail(f"{text!r}: write the URL without what follows ? or #.", param, ctx)
        return text


TEXT = TextType()
URL = UrlType()
