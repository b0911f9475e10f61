"""How much measuring is done: rounds, seconds a round, keys."""

import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Effort:
    """`rounds` runs of `seconds` each for every contender; `keys` different pages where many are asked for."""

    seconds: int
    rounds: int
    keys: int


def effort_from(environ: Mapping[str, str]) -> Effort:
    """Return what `BENCH_SECONDS`, `BENCH_ROUNDS` and `BENCH_KEYS` ask for; exits with a sentence if out of range."""
    return Effort(
        seconds=_number(environ, "BENCH_SECONDS", 3, 1, 60),
        rounds=_number(environ, "BENCH_ROUNDS", 5, 1, 20),
        keys=_number(environ, "BENCH_KEYS", 100_000, 1_000, 1_000_000),
    )


def _number(environ: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = environ.get(name, str(default))
    if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
        raise SystemExit(f"{name} is {text!r}; give a whole number from {least} to {most}.")
    return int(text)


EFFORT = effort_from(os.environ)
