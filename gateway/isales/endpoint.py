"""Where CC-iSales is: the base URL taken apart, so that the bytes that are signed are the bytes that are sent."""

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from gateway.isales.signing import percent_encode


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`scheme`, `authority` (as written, port and brackets and all) and the path `prefix` of the base URL."""

    scheme: str
    authority: str
    prefix: str

    @classmethod
    def parse(cls, base_url: str) -> "Endpoint":
        """Take `base_url` apart. Its query, fragment and user are dropped; a slash at its end does not count."""
        parts = urlsplit(base_url)
        # The HTTP library would normalise what it does not like, after it was signed. Nothing is left to normalise
        # in a path of unreserved characters and upper-case %XX.
        segments = parts.path.rstrip("/").split("/")
        prefix = "/".join(percent_encode(unquote(segment)) for segment in segments)
        return cls(parts.scheme, parts.netloc.rpartition("@")[2], prefix)

    def url(self, path: str, query: str) -> str:
        """Return the URL of a `path` (with the prefix, as sent) and an encoded `query`, which may be empty."""
        return f"{self.scheme}://{self.authority}{path}" + (f"?{query}" if query else "")
