"""The strict reading of raw query strings."""

from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.query_string import MAX_PARAMETERS, Malformed, Unread, decode, shown


@given(st.text())
def test_any_text_is_read(raw_query: str) -> None:
    """No text at all makes the reading fail."""
    assert isinstance(decode(raw_query), dict)


@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8"), min_size=1),
        st.text(st.characters(codec="utf-8")),
        max_size=MAX_PARAMETERS,
    )
)
def test_what_is_encoded_comes_back(parameters: dict[str, str]) -> None:
    """Both ways of encoding a form give back names, values and order."""
    assert list(decode(urlencode(parameters)).items()) == list(parameters.items())
    assert decode(urlencode(parameters, quote_via=quote)) == parameters


@pytest.mark.parametrize(
    ("raw_query", "parameters"),
    [
        ("", {}),
        ("&&", {}),
        ("a=1&b=2&", {"a": "1", "b": "2"}),
        ("a", {"a": ""}),
        ("a=", {"a": ""}),
        ("a=b=c", {"a": "b=c"}),
        ("a=1;b=2", {"a": "1;b=2"}),
        ("a=x+y%20z%2B", {"a": "x y z+"}),
        ("a=%e4%b8%AD", {"a": "中"}),
        ("a=\xe4\xb8\xad", {"a": "中"}),
        ("a=中", {"a": "中"}),
        ("%61=1", {"a": "1"}),
    ],
)
def test_good_queries(raw_query: str, parameters: dict[str, str]) -> None:
    """Forms are decoded as the URL standard says, raw bytes included."""
    assert decode(raw_query) == parameters


@pytest.mark.parametrize(
    ("raw_query", "name", "part"),
    [
        ("a=1&a=1", "a", "Send it once"),
        ("a=1&%61=2", "a", "Send it once"),
        ("=1", "", "without a name"),
        ("a=50%", "a", "%25"),
        ("a=%2", "a", "%25"),
        ("a=%zz", "a", "%25"),
        ("a%=1", "a%", "%25"),
        ("a=%ff", "a", "UTF-8"),
        ("a=\xe9", "a", "UTF-8"),
        ("a=%ED%A0%80", "a", "UTF-8"),
        ("a=\ud800", "a", "UTF-8"),
        ("%ff=1", "%ff", "UTF-8"),
    ],
)
def test_broken_queries(raw_query: str, name: str, part: str) -> None:
    """What cannot be read stands under its name with a sentence that says how to write it."""
    value = decode(raw_query)[name]
    assert isinstance(value, Malformed)
    assert part in value.message


def test_what_is_beyond_the_limit_is_not_read() -> None:
    """The parameters up to the limit are read, the first one beyond it stands for the rest and says how many."""
    names = [f"n{number}" for number in range(MAX_PARAMETERS + 10)]
    assert len(decode("&".join(names[:MAX_PARAMETERS]))) == MAX_PARAMETERS
    parameters = dict(decode("&".join(names)))
    assert list(parameters) == names[: MAX_PARAMETERS + 1]
    unread = parameters.pop(names[MAX_PARAMETERS])
    assert isinstance(unread, Unread)
    assert f"has {len(names)} parameters, {MAX_PARAMETERS} are allowed" in unread.message
    assert set(parameters.values()) == {""}


@given(st.text(st.characters(exclude_categories=())))
def test_shown_text_is_short_and_printable(text: str) -> None:
    """What is shown of a value is printable, and no longer than forty characters of the value."""
    cut = shown(text)
    assert cut.isprintable()
    assert len(cut) <= 41 * len("\\U00000000")
    assert len(text) > 40 or "…" in text or "…" not in cut
