"""Texts as arguments of commands."""

from typing import Any

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


TEXT = TextType()
