"""`If-Match` on what has an entity tag (RFC 9110, section 13.1.1), in front of the simulator."""

import pytest

from tests.support.gateway import GatewayUnderTest

PATHS = ("/campaigns", "/campaigns/summary", "/campaigns/export")
DOCUMENTS = ("/", "/openapi.json", "/docs", "/console", "/problems")


@pytest.mark.parametrize("path", [*PATHS, *DOCUMENTS])
def test_only_the_representation_that_the_caller_names(gateway: GatewayUnderTest, path: str) -> None:
    """412 for another one, whether the page is known by then or not, and before `If-None-Match` and `Range` count."""
    refused = {"If-Match": '"another"', "If-None-Match": "*", "Range": "bytes=0-0"}
    for method in ("GET", "HEAD", "GET"):
        answer = gateway.get(path, headers=refused, method=method)
        assert answer.status_code == 412
        assert "ETag" not in answer.headers
    status, name, document = gateway.problem(path, headers={**refused, "Accept-Language": "zh"})
    assert (status, name, document["title"]) == (412, "about:blank", "前提条件不成立")
    etag = gateway.get(path).headers["ETag"]
    for named in (etag, f'"x", {etag}', "*"):
        assert gateway.get(path, headers={"If-Match": named}).status_code == 200
        assert gateway.get(path, headers={"If-Match": named, "If-None-Match": etag}).status_code == 304
    for other in (f"W/{etag}", etag.strip('"'), "", f'"gzip.{etag[1:]}'):
        assert gateway.get(path, headers={"If-Match": other}).status_code == 412


def test_what_is_refused_otherwise_is_so_first(gateway: GatewayUnderTest) -> None:
    """A condition counts only where the answer would be good (section 13.2.1)."""
    headers = {"If-Match": '"another"'}
    for path in PATHS:
        assert gateway.get(path, key=None, headers=headers).status_code == 401
        assert gateway.get(f"{path}?x=1", headers=headers).status_code == 400
