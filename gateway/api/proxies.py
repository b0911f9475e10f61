"""What stands in front of the gateway, and what is taken from its words: callers' addresses for the log, no more."""

from collections.abc import Iterable
from ipaddress import AddressValueError, IPv6Address
from typing import TYPE_CHECKING, Final

from werkzeug.middleware.proxy_fix import ProxyFix

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

OWN_HOST: Final = "localhost"
LONGEST_WAY: Final = 1000
"""Characters of `X-Forwarded-For` that are read, from its end: more than the addresses of ten proxies."""


def behind_proxies(app: "WSGIApplication", hops: int) -> "WSGIApplication":
    """Return `app` with the address of callers as the first of exactly `hops` proxies in front of us saw it.

    It is the last but `hops` in `X-Forwarded-For`, of which callers may write all before it. Neither host nor scheme
    nor prefix is taken from any header, `Host` included: no answer depends on what the caller calls us.
    """
    with_address = ProxyFix(app, x_for=hops, x_proto=0, x_host=0, x_port=0, x_prefix=0)

    def nameless(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        environ["HTTP_HOST"] = OWN_HOST
        if "HTTP_X_FORWARDED_FOR" in environ:
            # It takes milliseconds to read a long one.
            environ["HTTP_X_FORWARDED_FOR"] = environ["HTTP_X_FORWARDED_FOR"][-LONGEST_WAY:]
        return with_address(environ, start_response)

    return nameless


def without_mapping(address: str | None) -> str | None:
    """Return an address of IPv4 that is written within IPv6 (`::ffff:192.0.2.1`) as itself, anything else as it is.

    A socket that listens on `::` takes callers of both, and writes all addresses as IPv6 (RFC 4291, section 2.5.5.2).
    """
    if address is None or ":" not in address:
        return address
    try:
        mapped = IPv6Address(address).ipv4_mapped
    except AddressValueError:
        return address
    return address if mapped is None else str(mapped)
