"""API keys and what the clients that hold them may do."""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass

from gateway.errors import Forbidden, Unauthenticated
from gateway.settings import Client

LISTED = 20


@dataclass(frozen=True, slots=True)
class Grant:
    """What one authenticated caller may do: its name, its scopes, and the VDNs that it may read."""

    client: str
    scopes: frozenset[str]
    vdns: frozenset[int]

    def require_scope(self, scope: str) -> None:
        """Raise Forbidden unless the caller has `scope`."""
        if scope not in self.scopes:
            held = ", ".join(sorted(self.scopes)) or "none"
            raise Forbidden(f"Client {self.client!r} lacks the scope {scope!r}; its scopes: {held}.")

    def require_vdn(self, vdn: int) -> None:
        """Raise Forbidden unless the caller may read `vdn`; one that does not exist is refused in the same words."""
        if vdn not in self.vdns:
            readable = ", ".join(map(str, sorted(self.vdns)[:LISTED])) or "none"
            more = ", ..." if len(self.vdns) > LISTED else ""
            raise Forbidden(f"Client {self.client!r} may not read VDN {vdn}; it may read: {readable}{more}.")

    @property
    def only_vdn(self) -> int | None:
        """The VDN that is meant when the caller names none: the one that it may read, if it is exactly one."""
        return next(iter(self.vdns)) if len(self.vdns) == 1 else None


class ClientDirectory:
    """Knows the clients by the hashes of their keys; the keys themselves are nowhere."""

    def __init__(self, clients: Iterable[Client], tenant_vdns: Iterable[int]) -> None:
        configured = frozenset(tenant_vdns)
        self._grants = [
            (
                tuple(bytes.fromhex(hashed) for hashed in (client.key_sha256, client.previous_key_sha256) if hashed),
                Grant(client.name, client.scopes, configured if client.vdns is None else client.vdns & configured),
            )
            for client in clients
        ]

    def authenticate(self, key: bytes | None) -> Grant:
        """Return what the holder of `key`, the bytes of `X-API-Key`, may do. Raises Unauthenticated.

        All hashes are compared, each in constant time, so that the time taken does not tell which one matched.
        """
        if not key:
            raise Unauthenticated("The request carries no API key; send it in the header X-API-Key.")
        presented = hashlib.sha256(key).digest()
        found = None
        for hashes, grant in self._grants:
            for known in hashes:
                if hmac.compare_digest(known, presented):
                    found = grant
        if found is None:
            raise Unauthenticated("The API key in X-API-Key is not known here.")
        return found
