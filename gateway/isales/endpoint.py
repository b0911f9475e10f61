"""Where CC-iSales is: the base URL taken apart, so that the bytes that are signed are the bytes that are sent."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from urllib.parse import unquote, urlsplit

from gateway.isales.signing import percent_encode

DEFAULT_PORTS: Final = MappingProxyType({"https": 443, "http": 80})


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`scheme`, `authority` and the path `prefix` of the base URL.

    The authority is as written, brackets and all, but without the port of the scheme: servers and whatever stands in
    front of them leave that out of `Host`, and a signature over another spelling is refused.
    """

    scheme: str
    authority: str
    prefix: str

    @property
    def host(self) -> str:
        """The name or address, without the brackets of IPv6."""
        return urlsplit(f"//{self.authority}").hostname or ""

    @property
    def port(self) -> int:
        """The port, also where the authority leaves it out."""
        return urlsplit(f"//{self.authority}").port or DEFAULT_PORTS[self.scheme]

    @classmethod
    def parse(cls, base_url: str) -> "Endpoint":
        """Take `base_url` apart. Its query, fragment and user are dropped; a slash at its end does not count."""
        parts = urlsplit(base_url)
        # The HTTP library would normalise what it does not like, after it was signed. Nothing is left to normalise
        # in a path of unreserved characters and upper-case %XX.
        segments = parts.path.rstrip("/").split("/")
        prefix = "/".join(percent_encode(unquote(segment)) for segment in segments)
        authority = parts.netloc.rpartition("@")[2]
        if authority.endswith(":") or parts.port == DEFAULT_PORTS.get(parts.scheme):
            authority = authority.rpartition(":")[0]
        return cls(parts.scheme, authority, prefix)

    def url(self, path: str, query: str) -> str:
        """Return the URL of a `path` (with the prefix, as sent) and an encoded `query`, which may be empty."""
        return f"{self.scheme}://{self.authority}{path}" + (f"?{query}" if query else "")
