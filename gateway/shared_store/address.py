"""Where the shared Redis is, how its certificate is judged, and what keys and channels in it are called."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from gateway.settings.model import CacheSettings, Secret

KEY_PREFIX: Final = "campaign-gateway:"
NO_SECRET: Final = Secret("")
TIMEOUT_S: Final = 0.2
"""How long Redis may take, in seconds, before the gateway does without it."""


@dataclass(frozen=True, slots=True)
class StoreAddress:
    """The Redis at `url`, a form of `cache.shared_url`, and what a gateway of `upstream`, a base URL, does there.

    Files are of PEM, or empty. An answer may take `timeout_s`. Gateways of different upstreams have different keys and
    channels, so that they can share a database and a prefix.
    """

    url: Secret
    upstream: str = ""
    prefix: str = KEY_PREFIX
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    sentinel_password: Secret = NO_SECRET
    timeout_s: float = TIMEOUT_S

    @classmethod
    def of(cls, cache: CacheSettings, upstream: str) -> "StoreAddress":
        """Return what the settings say, for the CC-iSales at `upstream`."""
        return cls(
            cache.shared_url,
            upstream,
            cache.shared_prefix,
            cache.shared_ca_file,
            cache.shared_cert_file,
            cache.shared_key_file,
            cache.sentinel_password,
        )

    @property
    def namespace(self) -> str:
        """What stands for the upstream in keys, pages' and others."""
        return namespace_of(self.upstream)


def namespace_of(upstream: str) -> str:
    """Return what stands in keys and channels for the CC-iSales at `upstream`, a base URL."""
    return sha256(upstream.encode()).hexdigest()[:16]
