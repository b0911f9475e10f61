"""Which variables of the process would be part of a request, and what becomes of them."""

from wsgiref.handlers import BaseHandler

import pytest

from gateway.request_variables import drop_request_variables, is_of_a_request


@pytest.mark.parametrize(
    "name", ["HTTP_X_API_KEY", "HTTP_", "CONTENT_LENGTH", "CONTENT_TYPE", "QUERY_STRING", "HTTPS", "wsgi.input", "a.b"]
)
def test_names_of_a_request(name: str) -> None:
    """Headers, the variables of CGI, and names with dots, which WSGI and frameworks use."""
    assert is_of_a_request(name)


@pytest.mark.parametrize(
    "name", ["PATH", "http_proxy", "https_proxy", "HTTPS_PROXY", "NO_PROXY", "GATEWAY_ENV", "GATEWAY__HTTP__DRAIN_S"]
)
def test_names_that_are_none(name: str) -> None:
    """What commands and the gateway itself want stays."""
    assert not is_of_a_request(name)


def test_they_are_taken_away() -> None:
    """From the process and from the copy that Python's own server made of it; all others are as they were."""
    before = dict(BaseHandler.os_environ)
    BaseHandler.os_environ["HTTP_X_API_KEY"] = "planted"
    environ = {"HTTP_X_API_KEY": "planted", "CONTENT_LENGTH": "5", "PATH": "/bin"}
    assert drop_request_variables(environ) == ["CONTENT_LENGTH", "HTTP_X_API_KEY"]
    assert environ == {"PATH": "/bin"}
    assert before == BaseHandler.os_environ
    assert drop_request_variables(environ) == []


def test_a_proxy_is_still_one() -> None:
    """Exporters of traces may need it; the lower-case name, where both are set, is the one that counts anyway."""
    only, both = {"HTTP_PROXY": "http://a"}, {"HTTP_PROXY": "http://a", "http_proxy": "http://b"}
    drop_request_variables(only)
    drop_request_variables(both)
    assert (only, both) == ({"http_proxy": "http://a"}, {"http_proxy": "http://b"})
