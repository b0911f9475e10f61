"""Secrets that the tests give to the gateway, and a look for them in all that comes out again.

A pytest plugin: a test during which one is shown fails. It looks at what is printed and logged, at answers (headers and
bodies, of the app in this process and of served ones), at what commands print, and at what `require_none` is given.
What callers and CC-iSales are sent on purpose does not come by here: it goes the other way.
"""

import functools
import re
import string
import subprocess
from collections.abc import Callable, Generator
from typing import Any
from urllib.parse import quote

import click.testing
import pytest
import requests
import werkzeug.test

_TEXTS: set[str] = set()
_MADE: set[str] = set()
_HEX = re.compile(r"[0-9a-f]{64}")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}")
# Whether there may be one is found out in a tenth of the time: by digits in a row, and by the first dot of a token.
_AS_X = bytes(ord("x") if chr(code) in string.hexdigits.lower() else 0 for code in range(256))
_AMID_TOKEN = re.compile(r"\.(?<=[A-Za-z0-9_-]{10}\.)[A-Za-z0-9_-]{10,}+\.[A-Za-z0-9_-]{10}")
_AUTHORIZATION = re.compile(r"auth-v2/[^/\s]+/[0-9TZ:.-]+/[a-z;-]+/[0-9a-f]{64}")
_PRIVATE_KEY = "PRIVATE KEY-----"
EXPLAINED = "explain-signature"
"""The one command that shows a signature, because it was asked for it."""


def plant(*secrets: str) -> None:
    """Take note of secret keys, API keys and passwords: no output may hold one, as it is or percent-encoded."""
    _TEXTS.update(form for secret in secrets for form in (secret, quote(secret, safe="")))


def plant_made(*secrets: str) -> None:
    """Take note of signatures (64 hexadecimal digits) and tokens (three parts in base64url); there may be many."""
    _MADE.update(secrets)


def shown_in(text: str) -> list[str]:
    """Return the secrets that `text` shows."""
    found = [secret for secret in _TEXTS if secret in text]
    if b"x" * 64 in text.encode("utf-8", "replace").translate(_AS_X):
        found += [made for made in _HEX.findall(text) if made in _MADE]
    if _AMID_TOKEN.search(text):
        found += [made for made in _TOKEN.findall(text) if made in _MADE]
    found += _AUTHORIZATION.findall(text)
    return found + ([_PRIVATE_KEY] if _PRIVATE_KEY in text else [])


def require_none(output: str | bytes | None, where: str) -> None:
    """Fail if `output`, which came out at `where`, shows a secret."""
    text = output.decode("utf-8", "replace") if isinstance(output, bytes) else output or ""
    found = shown_in(text)
    assert not found, f"{where} shows {len(found)} secrets, such as {found[0]!r}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test that printed or logged a secret, whatever else it found out."""
    report = yield
    for title, content in report.sections:
        if not title.endswith(report.when):
            continue  # another part of the test, which has a report of its own
        try:
            require_none(content, title)
        except AssertionError as fault:
            report.outcome, report.longrepr = "failed", str(fault)
    return report


def pytest_configure() -> None:
    """Have outputs looked at where tests take hold of them."""
    _after(pytest.CaptureFixture, "readouterr", lambda captured, *_, **__: require_none("\n".join(captured), "output"))
    _after(click.testing.CliRunner, "invoke", _look_at_command)
    _after(werkzeug.test.Client, "open", _look_at_answer)
    _after(requests.adapters.HTTPAdapter, "send", _plant_signature)
    _after(requests.Session, "send", _look_at_exchange)
    _after(subprocess, "run", _look_at_process)


def _after(owner: Any, name: str, look: Callable[..., None]) -> None:
    """Have `look` called with what `owner.name` returns, and with its arguments."""
    inner = getattr(owner, name)

    @functools.wraps(inner)
    def looked_at(*args: Any, **kwargs: Any) -> Any:
        result = inner(*args, **kwargs)
        look(result, *args, **kwargs)
        return result

    setattr(owner, name, looked_at)


def _look_at_command(result: click.testing.Result, *args: Any, **kwargs: Any) -> None:
    if EXPLAINED not in repr((args, kwargs)):
        require_none(result.output, "a command")


def _look_at_answer(answer: werkzeug.test.TestResponse, *_: Any, **__: Any) -> None:
    require_none(f"{answer.status}\n{answer.headers}", "the head of an answer")
    require_none(answer.get_data(), "an answer")


def _plant_signature(_answer: object, _adapter: object, request: requests.PreparedRequest, **_: Any) -> None:
    authorization = request.headers.get("Authorization") or ""
    if isinstance(authorization, str) and authorization.startswith("auth-v2/"):
        plant_made(authorization.rpartition("/")[2])


def _look_at_exchange(answer: requests.Response, *_: Any, **options: Any) -> None:
    # What is streamed is CC-iSales' answer to us, and not ours to read.
    if not options.get("stream"):
        require_none(f"{answer.reason}\n{answer.headers}", f"the head of the answer of {answer.url}")
        require_none(answer.content, f"the answer of {answer.url}")


def _look_at_process(done: "subprocess.CompletedProcess[Any]", *args: Any, **_: Any) -> None:
    if EXPLAINED not in repr(args):
        require_none(done.stdout, f"{args} on standard output")
        require_none(done.stderr, f"{args} on standard error")
