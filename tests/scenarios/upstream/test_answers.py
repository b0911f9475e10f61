import pytest

from gateway.errors import (
    GatewayError,
    UpstreamBrokenContract,
    UpstreamFailed,
    UpstreamForbidden,
    UpstreamOverloaded,
    UpstreamRefusedCredentials,
    UpstreamRejectedParameters,
    UpstreamResult,
)
from tests.scenarios.upstream.conftest import Fetch
from tests.scenarios.upstream.raw_server import RawServer, http, says, says_and_closes
from tests.unit.isales.vendor import SECRET_KEY, as_json

TRACE = b"<h1>HTTP Status 500</h1>java.sql.SQLException: ORA-01017 at com.huawei.Dao.query(Dao.java:7)"


def error_of(upstream: RawServer, fetch: Fetch, answer: bytes) -> GatewayError:
    """Return the error for an answer, after checking that the next one is good and nothing secret got out."""
    upstream.will(says(answer))
    with pytest.raises(GatewayError) as caught:
        fetch()
    assert SECRET_KEY not in repr(caught.value)
    assert "java" not in repr(caught.value)
    assert " 0x" not in repr(caught.value)
    assert fetch().total_items == 0
    return caught.value


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("401 Unauthorized", UpstreamRefusedCredentials),
        ("403 Forbidden", UpstreamForbidden),
        ("404 Not Found", UpstreamBrokenContract),
        ("429 Too Many", UpstreamOverloaded),
        ("500 Oops", UpstreamFailed),
        ("502 Bad Gateway", UpstreamFailed),
        ("503 Busy", UpstreamOverloaded),
        ("204 No Content", UpstreamBrokenContract),
        ("206 Partial", UpstreamBrokenContract),
    ],
)
def test_statuses(upstream: RawServer, fetch: Fetch, status: str, error: type[GatewayError]) -> None:
    """Each HTTP status other than 200 is one error, and nothing of its body gets out."""
    body = b"" if status.startswith("204") else TRACE
    assert type(error_of(upstream, fetch, http(status, body))) is error


@pytest.mark.parametrize(("header", "seconds"), [("7", 7), ("7\r\nRetry-After: 9", 9), ("999999", 86400), (None, 5)])
@pytest.mark.parametrize("status", ["429 Too Many", "503 Busy"])
def test_retry_after(upstream: RawServer, fetch: Fetch, status: str, header: str | None, seconds: int) -> None:
    """How long to stay away is taken from CC-iSales, up to a day."""
    answer = http(status, b"", *([f"Retry-After: {header}"] if header else []))
    assert error_of(upstream, fetch, answer).retry_after_s == seconds


def test_an_error_whose_body_does_not_come(upstream: RawServer, fetch: Fetch) -> None:
    """A status other than 200 is an answer even if its body is cut short or never ends."""
    upstream.will(says_and_closes(b"HTTP/1.1 503 Busy\r\nContent-Length: 10\r\n\r\nbu"))
    with pytest.raises(UpstreamOverloaded):
        fetch()
    upstream.will(upstream.drips(b"HTTP/1.1 401 No\r\n\r\n", b"x"))
    with pytest.raises(UpstreamRefusedCredentials):
        fetch(deadline_s=0.2)
    upstream.will(upstream.floods(b"HTTP/1.1 302 Found\r\n\r\n", bytes(65536)))
    with pytest.raises(UpstreamBrokenContract, match="302"):
        fetch()
    assert fetch().total_items == 0


@pytest.mark.parametrize("code", ["0200001", *(f"020000{n:02}" for n in range(1, 12))])
def test_codes_of_rejected_parameters(upstream: RawServer, fetch: Fetch, code: str) -> None:
    """Each code for a bad parameter is the caller's to mend, with what CC-iSales said."""
    answer = http("200 OK", as_json({"resultCode": code, "resultDesc": "name 太长"}))
    error = error_of(upstream, fetch, answer)
    assert type(error) is UpstreamRejectedParameters
    assert error.upstream == UpstreamResult(code, "name 太长")


@pytest.mark.parametrize("code", ["0200006", "02000012", "9999", 200000, 0])
def test_other_codes(upstream: RawServer, fetch: Fetch, code: str | int) -> None:
    """Any other code is a failure of CC-iSales."""
    error = error_of(upstream, fetch, http("200 OK", as_json({"resultCode": code, "data": []})))
    assert type(error) is UpstreamFailed
    assert error.upstream == UpstreamResult(str(code), "")


def test_no_code(upstream: RawServer, fetch: Fetch) -> None:
    """A page without a result code is no success."""
    error = error_of(upstream, fetch, http("200 OK", as_json({"data": [], "totalSize": 0})))
    assert type(error) is UpstreamBrokenContract
