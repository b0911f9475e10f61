"""Text of others made safe to show: in log lines, in errors, on terminals."""


def escaped(text: str) -> str:
    r"""Return `text` with its escape, such as `\x1b`, for each character that is not to be shown.

    Those are controls (C0 and C1), formats (the bidi controls among them), separators of lines and paragraphs, lone
    surrogates, and all blanks but the plain one.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
