"""Text in columns of a terminal, where a Chinese character takes two and a combining one none."""

import unicodedata
from collections.abc import Iterator


def width(text: str) -> int:
    """Return how many columns `text` takes."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def wrapped(text: str, columns: int) -> Iterator[str]:
    """Yield `text` in lines of at most `columns`, broken between words, or within one that is too long for a line."""
    line = ""
    for word in text.split():
        if line and width(f"{line} {word}") > columns:
            yield line
            line = ""
        line = f"{line} {word}" if line else word
        while width(line) > columns:
            end = next(end for end in range(len(line), 0, -1) if end == 1 or width(line[:end]) <= columns)
            yield line[:end]
            line = line[end:]
    yield line
