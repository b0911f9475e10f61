"""What a deployment brings along: a CC-iSales behind TLS, as production demands, and its secrets."""

import re
from dataclasses import dataclass

import trustme

from gateway.access.keys import key_hash
from gateway.simulator.server import demo_config

HOST = "isales.example.com"
"""Where the examples of settings in `deploy/` have CC-iSales."""

API_KEY = "web-key"
REDIS_PASSWORD = "redis-password"
_TENANT = demo_config().tenants[0]

SECRETS = {
    "isales-ak-1": _TENANT.access_key,
    "isales-sk-1": _TENANT.secret_key,
    "client-web": key_hash(API_KEY),
    "redis-url": f"redis://:{REDIS_PASSWORD}@redis:6379/0",
}
"""The secrets that the examples of settings in `deploy/` read from files, by the names of these files."""


@dataclass(frozen=True)
class Certificates:
    """An authority, and what it issued for this machine: the certificate with its key, in PEM."""

    authority: str
    server: str


def certificates() -> Certificates:
    """Make new ones."""
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    server = b"".join(part.bytes() for part in (issued.private_key_pem, *issued.cert_chain_pems))
    return Certificates(authority.cert_pem.bytes().decode(), server.decode())


def pointed_at(settings: str, base_url: str, ca_file: str) -> str:
    """Return an example of settings with another CC-iSales, whose certificate is by the authority in `ca_file`."""
    changed, count = re.subn(
        rf'^base_url = "https://{re.escape(HOST)}:\d+"$',
        f'base_url = "{base_url}"\nca_file = "{ca_file}"',
        settings,
        flags=re.MULTILINE,
    )
    assert count == 1, "the example has no base_url that can be changed"
    return changed


def without_shared_cache(settings: str) -> str:
    """Return an example of settings without the Redis that it names."""
    changed, count = re.subn(r"^shared_url_file = .*$", "", settings, flags=re.MULTILINE)
    assert count == 1, "the example has no shared cache"
    return changed
