"""The verifier against the vendor's own vectors, and against everything that is near them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.simulator.signature import ReceivedRequest, SignatureError, authorization, verify

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "vendor" / "signature-vectors.json").read_text(encoding="utf-8")
)


@dataclass(frozen=True)
class Signed:
    """A signed request, and the keys and the time that it is right with."""

    request: ReceivedRequest
    keys: dict[str, str]
    now: datetime

    def check(self) -> str:
        """Return the access key, or raise `SignatureError`."""
        return verify(self.request, self.keys, self.now)

    def with_header(self, name: str, value: str) -> "Signed":
        """Return the same with another header value."""
        return replace(self, request=replace(self.request, headers={**self.request.headers, name: value}))


def of_vector(vector: dict[str, Any]) -> Signed:
    """Return what arrives when the request of `vector` is sent."""
    query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in vector["query"].items())
    return Signed(
        ReceivedRequest(
            method=vector["method"],
            path=vector["uri"],
            query=query,
            headers={**vector["signed_headers"], "authorization": vector["authorization"]},
            body=vector["payload"].encode(),
        ),
        {vector["access_key"]: vector["secret_key"]},
        datetime.fromisoformat(vector["timestamp"]),
    )


def signed(query: str = "status=0", *, timestamp: str = "2026-03-01T12:00:00Z", names: str = "host") -> Signed:
    """Return a well signed GET with the headers host and x-b."""
    request = ReceivedRequest("GET", "/p", query, {"host": "h:1", "x-b": "2"})
    value = authorization(request, "ak", "sk", timestamp, names.split(";"))
    unsigned = Signed(request, {"ak": "sk"}, datetime(2026, 3, 1, 12, tzinfo=UTC))
    return unsigned.with_header("authorization", value)


def mutations(text: str) -> Iterator[str]:
    """Yield `text` with each character in turn changed, and each left out."""
    for position, character in enumerate(text):
        yield text[:position] + ("0" if character != "0" else "1") + text[position + 1 :]
        yield text[:position] + text[position + 1 :]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_vendor_vector_is_accepted(vector: dict[str, Any]) -> None:
    """What the vendor's own code signed is accepted, as signed by the vector's key."""
    assert of_vector(vector).check() == vector["access_key"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_mutated_vendor_vector_is_refused(vector: dict[str, Any]) -> None:
    """One character more or less in the signature, a signed header, the path, the query or the body is refused."""
    right = of_vector(vector)
    wrong = [
        *(
            right.with_header(name, text)
            for name in (*vector["signed_headers"], "authorization")
            for text in mutations(right.request.headers[name])
        ),
        *(replace(right, request=replace(right.request, path=text)) for text in mutations(right.request.path)),
        *(replace(right, request=replace(right.request, query=text)) for text in mutations(right.request.query)),
        *(
            replace(right, request=replace(right.request, body=text.encode("latin-1")))
            for text in mutations(right.request.body.decode("latin-1"))
        ),
        replace(right, request=replace(right.request, body=right.request.body + b"\n")),
        replace(right, request=replace(right.request, method="HEAD")),
        replace(right, keys={vector["access_key"]: vector["secret_key"] + "x"}),
    ]
    for mutant in wrong:
        with pytest.raises(SignatureError):
            mutant.check()


@given(
    st.dictionaries(st.text(min_size=1, max_size=5), st.text(max_size=10), max_size=5),
    st.randoms(use_true_random=False),
    st.binary(max_size=20),
)
def test_any_query_in_any_order_verifies(query: dict[str, str], order: Any, body: bytes) -> None:
    """What was signed verifies, whatever the values are and in whatever order the parameters arrive."""
    pairs = [
        f"{quote(name.encode('utf-8', 'replace'), safe='')}={quote(value.encode('utf-8', 'replace'), safe='')}"
        for name, value in query.items()
    ]
    request = ReceivedRequest("GET", "/p", "&".join(pairs), {"host": "h"}, body)
    value = authorization(request, "ak", "sk", "2026-03-01T12:00:00Z", ["host"])
    order.shuffle(pairs)
    arrived = replace(request, query="&".join(pairs), headers={"host": "h", "authorization": value})
    assert verify(arrived, {"ak": "sk"}, datetime(2026, 3, 1, 12, tzinfo=UTC)) == "ak"


@given(st.text(alphabet=st.characters(max_codepoint=255), max_size=200))
def test_no_authorization_but_the_right_one_is_accepted(value: str) -> None:
    """Any other text in place of the signature is refused, and nothing else is raised."""
    with pytest.raises(SignatureError):
        signed().with_header("authorization", value).check()


@pytest.mark.parametrize("offset_s", [-900, 0, 900])
@pytest.mark.parametrize("pattern", ["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.000Z"])
def test_clock_may_differ_by_fifteen_minutes(offset_s: int, pattern: str) -> None:
    """A timestamp in seconds or milliseconds is good up to 15 minutes before and after the server's time."""
    at = datetime(2026, 3, 1, 12, tzinfo=UTC) + timedelta(seconds=offset_s)
    assert signed(timestamp=at.strftime(pattern)).check() == "ak"


@pytest.mark.parametrize("offset_s", [-901, 901])
def test_clock_may_not_differ_by_more(offset_s: int) -> None:
    """A timestamp more than 15 minutes off is refused by name, though it is well signed."""
    at = datetime(2026, 3, 1, 12, tzinfo=UTC) + timedelta(seconds=offset_s)
    with pytest.raises(SignatureError, match="more than 15 minutes"):
        signed(timestamp=at.strftime("%Y-%m-%dT%H:%M:%SZ")).check()


@pytest.mark.parametrize(
    "timestamp",
    [
        "2026-03-01 12:00:00Z",
        "2026-03-01T12:00:00",
        "2026-03-01T12:00:00+00:00",
        "2026-03-01T12:00:00.0Z",
        "2026-02-30T12:00:00Z",
        "20260301T120000Z",
        "２026-03-01T12:00:00Z".encode().decode("latin-1"),
        "",
    ],
)
def test_other_timestamps_are_refused(timestamp: str) -> None:
    """A well signed timestamp in another form, or of no day of the calendar, is refused."""
    with pytest.raises(SignatureError, match="timestamp"):
        signed(timestamp=timestamp).check()


@pytest.mark.parametrize("names", ["x-b;host", "Host", "host;host", "host;", "x-b", ""])
def test_signed_names_are_lower_case_sorted_and_with_host(names: str) -> None:
    """A well signed list of names in another form, or without host, is refused."""
    with pytest.raises(SignatureError, match=r"signed header|host must"):
        signed(names=names).check()


def test_signed_header_must_be_sent() -> None:
    """A header that is said to be signed but was not sent is refused."""
    with pytest.raises(SignatureError, match="'x-a' was not sent"):
        signed(names="host;x-a").check()


def test_more_headers_than_host_may_be_signed() -> None:
    """The signature may cover further headers, which then count."""
    right = signed(names="host;x-b")
    assert right.check() == "ak"
    with pytest.raises(SignatureError):
        right.with_header("x-b", "3").check()


@pytest.mark.parametrize(
    "query",
    ["name=a+b", "name=%2d", "name=%e4", "name=a b", "name=ä", "name", "name=a=b", "a=1&&b=2", "a=1&", "name=%"],
)
def test_query_must_be_sent_as_it_is_signed(query: str) -> None:
    """A query in any but the canonical encoding is refused, even where the signature fits it."""
    with pytest.raises(SignatureError, match="canonical percent-encoding"):
        signed(query).check()


def test_unknown_access_key_is_refused() -> None:
    """A key that no tenant has is refused."""
    with pytest.raises(SignatureError, match="unknown"):
        replace(signed(), keys={"other": "sk"}).check()


def test_refusal_says_nothing_secret() -> None:
    """Neither the secret key nor the right signature is in the text of a refusal."""
    right = signed()
    value = right.request.headers["authorization"]
    with pytest.raises(SignatureError) as refused:
        right.with_header("authorization", value[:-1] + "g").check()
    assert "sk" not in str(refused.value)
    assert value[-10:-1] not in str(refused.value)
