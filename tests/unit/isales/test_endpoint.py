import pytest

from gateway.isales.endpoint import Endpoint


@pytest.mark.parametrize(
    ("base_url", "authority", "prefix"),
    [
        ("https://isales.example.com", "isales.example.com", ""),
        ("https://isales.example.com:28443/", "isales.example.com:28443", ""),
        ("https://ISales.example.com:443", "ISales.example.com", ""),
        ("https://isales.example.com:0443/gw", "isales.example.com", "/gw"),
        ("https://isales.example.com:80", "isales.example.com:80", ""),
        ("http://isales.example.com:80", "isales.example.com", ""),
        ("http://isales.example.com:443", "isales.example.com:443", ""),
        ("https://isales.example.com:/", "isales.example.com", ""),
        ("https://[2001:db8::1]:443", "[2001:db8::1]", ""),
        ("https://[2001:db8::1]", "[2001:db8::1]", ""),
        ("https://[2001:db8::1]:8443/gw", "[2001:db8::1]:8443", "/gw"),
        ("https://user:password@h/gw/v2/", "h", "/gw/v2"),
        ("http://h/a%2fb/~x/(y) z", "h", "/a%2Fb/~x/%28y%29%20z"),
    ],
)
def test_takes_a_base_url_apart(base_url: str, authority: str, prefix: str) -> None:
    """The authority stays as written but for the scheme's own port; the path becomes one that no library rewrites."""
    endpoint = Endpoint.parse(base_url)
    assert (endpoint.authority, endpoint.prefix) == (authority, prefix)


def test_puts_urls_together() -> None:
    """A URL has a question mark only where it has a query."""
    endpoint = Endpoint.parse("https://[2001:db8::1]:8443/gw")
    assert endpoint.url("/gw/x", "") == "https://[2001:db8::1]:8443/gw/x"
    assert endpoint.url("/gw/x", "a=1") == "https://[2001:db8::1]:8443/gw/x?a=1"
