"""Proxies that compress in spite of all advice: the tags that come of it still bring 304."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.fronts import front
from tests.support.server import ServedGateway

DO_GZIP = """return (pass);
}
sub vcl_backend_response { set beresp.do_gzip = true; }
"""
COMPRESSION = """filter compression
    compression algo gzip
    compression type application/json"""
NO_ENCODE = "# No `encode` here: compression is the gateway's, which has a tag for each coding."
COMPRESSING: Mapping[str, Mapping[str, str]] = {
    "caddy": {NO_ENCODE: "encode zstd gzip"},
    "apache": {"        SetEnv no-gzip 1\n": ""},
    "haproxy": {"option http-server-close": COMPRESSION},
    "varnish": {"http_gzip_support=off": "http_gzip_support=on", "return (pass);\n}\n": DO_GZIP},
}
CODINGS = ("gzip", "br", "zstd", "deflate", "gzip, deflate, br, zstd")


@pytest.mark.parametrize("name", COMPRESSING)
def test_tags_survive_it(gateway: ServedGateway, tmp_path: Path, name: str) -> None:
    """Whatever suffix or weakness they get, for large pages, which the gateway compresses, and small ones."""
    lost = []
    by_the_front = set()
    with front(name, tmp_path, gateway.url, COMPRESSING[name]) as proxy:
        for coding in CODINGS:
            for size in (1, 100):
                path, headers = f"/campaigns?page_size={size}", {"Accept-Encoding": coding}
                first = proxy.ask(path, headers)
                assert first.status == 200
                coded = first.headers.get("content-encoding")
                if coded and (size == 1 or coded != "gzip"):
                    by_the_front.add((coded, first.headers["etag"]))
                again = proxy.ask(path, {**headers, "If-None-Match": first.headers["etag"]})
                if again.status != 304:
                    lost.append((coding, size, first.headers["etag"], again.headers.get("etag")))
    assert lost == []
    assert by_the_front, "it compresses"
