"""Numbers of things, in words."""


def counted(number: int, noun: str) -> str:
    """Return `number` with `noun`, which takes an s in the plural."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
