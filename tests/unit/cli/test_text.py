"""Texts that commands are called with."""

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.cli.text import URL
from gateway.front.ask import Caller, NoAnswer


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("gateway.example", "write the whole URL"),
        ("ftp://gateway.example", "write the whole URL"),
        ("http://", "write the whole URL"),
        ("http:///campaigns", "write the whole URL"),
        ("http://:8080", "write the whole URL"),
        ("http://gateway.example:0", "write the whole URL"),
        ("http://gateway.example:99999", "Port out of range"),
        ("http://gateway.example:port", "Port could not be cast"),
        ("http://[::1", "Invalid IPv6 URL"),
        ("http://gateway.example/?page=1", "what follows ?"),
        ("http://gateway.example/#top", "what follows ?"),
        ("http://\udce4", "is not UTF-8"),
    ],
)
def test_a_url_that_nobody_can_ask(url: str, said: str) -> None:
    """Such a URL is wrong usage, and nothing is asked."""
    with pytest.raises(click.BadParameter) as refused:
        URL.convert(url, None, None)
    assert said in refused.value.message


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "https://gateway.example/prefix/", "http://[::1]:80"])
def test_a_url_that_somebody_may_answer_at(url: str) -> None:
    """Such a URL is taken as it is."""
    assert URL.convert(url, None, None) == url


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=70))
@settings(max_examples=25)
def test_whatever_stands_behind_the_host(prefix: str) -> None:
    """Whatever is taken for a URL is asked, or there is no answer: nothing else comes of it."""
    try:
        url = URL.convert(f"http://127.0.0.1:1/{prefix}", None, None)
    except click.BadParameter:
        return
    with pytest.raises(NoAnswer):
        Caller(url, "key", timeout_s=5).ask("/campaigns")


def test_a_name_that_is_none_of_a_host() -> None:
    """A label that is too long is no answer, not a fault of ours."""
    with pytest.raises(NoAnswer):
        Caller(f"http://{'ä' * 80}.example", "key", timeout_s=5).ask("/campaigns")
