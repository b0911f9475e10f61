import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.errors import UpstreamBrokenContract, UpstreamOverloaded, UpstreamUnreachable
from gateway.isales import signing
from gateway.isales.request import campaigns_request, sign_request
from gateway.isales.transport import Transport
from gateway.model import CampaignPage, Deadline
from gateway.settings import Secret
from tests.scenarios.upstream.conftest import Fetch
from tests.scenarios.upstream.raw_server import GOOD_BODY, RawServer, http, says, says_and_closes
from tests.support.canaries import shown_in
from tests.unit.isales.vendor import NOW, QUERY, SECRET_KEY, TENANT, isales_settings, tenant

NAMES = ["春节 特惠", "a b+c%d&e", "~'*!;/?=", "%41%zz%", "#[]@:$,()", '"<>\\^`{|}', "../..", "\x00\t\r\n\x7f", "😀é"]


def head(request: bytes) -> tuple[str, dict[str, str]]:
    """Return the target of a raw request, and its headers."""
    line, *lines = request.decode("ascii").split("\r\n")[:-2]
    method, target, version = line.split(" ")
    assert (method, version) == ("GET", "HTTP/1.1")
    headers = [line.partition(": ")[::2] for line in lines]
    assert len({name.lower() for name, _ in headers}) == len(headers)
    return target, dict(headers)


def assert_signed_as_sent(request: bytes, host: str) -> None:
    """Sign the bytes that came over the wire anew and compare."""
    target, headers = head(request)
    path, _, query = target.partition("?")
    assert headers["Host"] == host
    canonical = f"GET\n{path}\n{query}\nhost\nhost:{signing.percent_encode(host)}\n"
    prefix, _, _ = headers["Authorization"].rpartition("/")
    _, access_key, stamp, names = prefix.split("/")
    expected = signing.sign(access_key, Secret(SECRET_KEY), stamp, names, canonical)
    assert headers["Authorization"] == expected.authorization


@pytest.mark.parametrize("name", NAMES)
def test_what_is_signed_is_what_is_sent(upstream: RawServer, fetch: Fetch, name: str) -> None:
    """Path, query and Host are byte for byte the signed ones, whatever is in a name."""
    fetch(replace(QUERY, name=name))
    (request,) = upstream.requests
    target, _ = head(request)
    encoded = "".join(chr(b) if re.match(rb"[A-Za-z0-9._~-]", bytes([b])) else f"%{b:02X}" for b in name.encode())
    expected = f"/rest/isales/v1/openapi/campaigns/1?curPage=1&deviceType=0&name={encoded}&rowsPerPage=10&status=0"
    assert target == expected
    assert_signed_as_sent(request, f"127.0.0.1:{upstream.port}")


@pytest.mark.parametrize(
    ("written", "sent"),
    [("/gw/", "/gw"), ("/a%2fb", "/a%2Fb"), ("/~x/(y)/./..//z;p=1", "/~x/%28y%29/./..//z%3Bp%3D1")],
)
def test_a_base_url_with_a_path(upstream: RawServer, connect: Callable[..., Fetch], written: str, sent: str) -> None:
    """The base URL's path goes first, and is signed as it is sent."""
    connect(upstream.url + written)()
    target, _ = head(upstream.requests[0])
    assert target.startswith(sent + "/rest/isales/v1/openapi/campaigns/1?")
    assert_signed_as_sent(upstream.requests[0], f"127.0.0.1:{upstream.port}")


def test_a_signature_is_known_to_the_look_for_secrets(upstream: RawServer, connect: Callable[..., Fetch]) -> None:
    """Whatever is sent to CC-iSales is looked for in everything else from then on."""
    connect(upstream.url)()
    _, headers = head(upstream.requests[0])
    signature = headers["Authorization"].rpartition("/")[2]
    assert shown_in(f"signed with {signature}.") == [signature]


def test_a_host_of_the_tenants_own(upstream: RawServer, connect: Callable[..., Fetch]) -> None:
    """A tenant's Host is sent and signed in the place of the base URL's."""
    connect(upstream.url, tenant(host_header="inner.example.com:8443"))()
    assert_signed_as_sent(upstream.requests[0], "inner.example.com:8443")


def test_the_headers(upstream: RawServer, fetch: Fetch) -> None:
    """The headers are the vendor's, and no others but those that say what we are and take."""
    fetch(replace(QUERY, locale="en_US"))
    _, headers = head(upstream.requests[0])
    assert headers.pop("Authorization").startswith("auth-v2/AK/")
    assert headers.pop("User-Agent").startswith("campaign-gateway/")
    assert headers == {
        "Host": f"127.0.0.1:{upstream.port}",
        "Content-Type": "application/json; charset=UTF-8",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "locale": "en_US",
    }


def test_nothing_comes_from_the_environment(
    upstream: RawServer, connect: Callable[..., Fetch], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A .netrc, proxies and a CA bundle in the environment change no byte and call nobody else."""
    with RawServer() as proxy:
        (tmp_path / ".netrc").write_text("machine 127.0.0.1 login someone password something")
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "no-such-bundle"))
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        connect(upstream.url)()
        assert proxy.connections == 0
    assert_signed_as_sent(upstream.requests[0], f"127.0.0.1:{upstream.port}")


def test_cookies_are_not_kept(upstream: RawServer, fetch: Fetch) -> None:
    """A cookie that CC-iSales sets is not sent back."""
    upstream.will(says(http("200 OK", GOOD_BODY, "Set-Cookie: a=b; Path=/")))
    fetch()
    fetch()
    assert "Cookie" not in head(upstream.requests[1])[1]


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_redirects_are_not_followed(upstream: RawServer, fetch: Fetch, status: str) -> None:
    """A redirect is a broken contract, and where it leads nobody calls."""
    with RawServer() as elsewhere:
        upstream.will(says(http(status, b"", f"Location: {elsewhere.url}/x")))
        with pytest.raises(UpstreamBrokenContract):
            fetch()
        assert elsewhere.connections == 0
    assert fetch().total_items == 0


def test_connections_are_kept(upstream: RawServer, fetch: Fetch) -> None:
    """Calls one after another share a connection, failed ones too where the answer was complete."""
    upstream.will(says(http("200 OK", GOOD_BODY)), says(http("503 Busy", b"busy")), says(http("200 OK", b"[]")))
    fetch()
    with pytest.raises(UpstreamOverloaded):
        fetch()
    with pytest.raises(UpstreamBrokenContract):
        fetch()
    fetch()
    assert len(upstream.requests) == 4
    assert upstream.connections == 1


def test_a_kept_connection_that_was_closed_is_not_used(upstream: RawServer, fetch: Fetch) -> None:
    """A connection that CC-iSales closed between two calls makes no error."""
    upstream.will(says_and_closes(http("200 OK", GOOD_BODY)))
    assert [fetch().total_items for _ in range(2)] == [0, 0]


def test_a_kept_connection_that_closes_under_the_request(upstream: RawServer, fetch: Fetch) -> None:
    """A kept connection that is closed instead of answered is replaced at once, with a request signed anew."""
    fetch()
    upstream.will(lambda connection: connection.close())
    page: CampaignPage = fetch()
    assert page.total_items == 0
    assert (len(upstream.requests), upstream.connections) == (3, 2)


def test_a_new_connection_that_closes_is_an_error(upstream: RawServer, fetch: Fetch) -> None:
    """A request is sent again once and not more: CC-iSales that closes the new connection too cannot be reached."""
    fetch()
    upstream.will(lambda connection: connection.close(), lambda connection: connection.close())
    with pytest.raises(UpstreamUnreachable):
        fetch()
    assert len(upstream.requests) == 3
    assert fetch().total_items == 0


def test_a_fresh_call_uses_no_kept_connection(upstream: RawServer) -> None:
    """A request that goes again does so on a new connection, even if others are kept, which may be as dead."""
    with closing(Transport(isales_settings(upstream.url))) as transport:
        signed = sign_request(campaigns_request(QUERY, TENANT), transport.endpoint, NOW)
        for fresh, connections in ((False, 1), (False, 1), (True, 2)):
            assert transport.get(signed, Deadline.after(5.0), fresh=fresh).status == 200
            assert upstream.connections == connections


def test_who_calls_after_the_end_gets_an_answer(upstream: RawServer) -> None:
    """An export may go on after its app, which was replaced by a reload, has closed its connections."""
    with closing(Transport(isales_settings(upstream.url))) as transport:
        signed = sign_request(campaigns_request(QUERY, TENANT), transport.endpoint, NOW)
        for connections in (1, 2):
            assert transport.get(signed, Deadline.after(5.0)).status == 200
            assert upstream.connections == connections
            transport.close()
