"""`python asking.py CACHE URL KEY FOLDER [AUTHORITY]`: asks for one page again and again through a cache in Python.

Says `ready`, waits for a line, asks every half second for nine seconds, and prints a line of JSON: for each answer when
it was asked for, when it was there, and its status. Runs with the packages of `requirements.txt` and no others.
"""

import json
import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

EVERY_S = 0.5
TIMES = 19


def none(folder: str) -> Any:
    """Return a session of requests, which keeps nothing."""
    return import_module("requests").Session()


def requests_cache(folder: str, **options: Any) -> Any:
    """Return a session of requests-cache."""
    return import_module("requests_cache").CachedSession(backend="memory", **options)


def cachecontrol(folder: str) -> Any:
    """Return a session of CacheControl."""
    caching, session = import_module("cachecontrol"), import_module("requests").Session()
    return caching.CacheControl(session)


def hishel(folder: str, **options: Any) -> Any:
    """Return a client of httpx with hishel."""
    storage = import_module("hishel").SqliteStorage(database_path=f"{folder}/hishel.db")
    return import_module("hishel.httpx").CacheClient(storage=storage, **options)


CACHES: dict[str, Callable[[str], Any]] = {
    "none": none,
    "requests-cache": requests_cache,
    "requests-cache, heeding": lambda folder: requests_cache(folder, cache_control=True),
    "requests-cache, keyed": lambda folder: requests_cache(folder, cache_control=True, ignored_parameters=[]),
    "CacheControl": cachecontrol,
    "hishel": hishel,
    "hishel, heeding": lambda folder: hishel(folder, rfc=True),
    "hishel, private": lambda folder: hishel(folder, rfc={"shared": False}),
}


def main(cache: str, url: str, key: str, folder: str, authority: str = "") -> None:
    """Ask, and print what came."""
    client = CACHES[cache](folder)
    if authority:
        client.verify = authority
        client.trust_env = False  # whose REQUESTS_CA_BUNDLE would count for more
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    answers = []
    start = time.time()
    for number in range(TIMES):
        time.sleep(max(0.0, start + number * EVERY_S - time.time()))
        began = time.time()
        answer = client.get(url, headers={"X-API-Key": key})
        answers.append((began, time.time(), answer.status_code))
    sys.stdout.write(json.dumps(answers) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
