"""API keys and what the clients that hold them may do."""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.access.last_use import CURRENT, PREVIOUS, LastUse, LastUses
from gateway.errors import BearerChallenge, Forbidden
from gateway.settings import Client

LISTED = 20
PREFIX_BYTES = 16
NOBODY: tuple[bytes, None] = (bytes(32), None)


@dataclass(frozen=True, slots=True)
class Grant:
    """What one authenticated caller may do: its name, its scopes, and the VDNs that it may read.

    `only_vdn` is the VDN that is meant when the caller names none: the one that it may read, if it is exactly one.
    `bearer` tells that all this is what a bearer token says, `use` when the credential was last good.
    `requests_per_minute` is its limit on requests that no fresh page answers, 0 for none. `no_vdn` and `no_scope` are
    sentences that say where VDNs and scopes were looked for and what was there, for callers who lack them.
    """

    client: str
    scopes: frozenset[str]
    vdns: frozenset[int]
    bearer: bool = False
    requests_per_minute: int = 0
    no_vdn: str = field(default="", compare=False, repr=False)
    no_scope: str = field(default="", compare=False, repr=False)
    use: LastUse = field(default_factory=LastUse, compare=False, repr=False)
    only_vdn: int | None = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "only_vdn", next(iter(self.vdns)) if len(self.vdns) == 1 else None)

    def require_scope(self, scope: str) -> None:
        """Raise Forbidden unless the caller has `scope`."""
        if scope not in self.scopes:
            held = ", ".join(sorted(self.scopes)) or "none"
            challenge = BearerChallenge("insufficient_scope", scope) if self.bearer else None
            detail = f"Client {self.client!r} lacks the scope {scope!r}; its scopes: {held}. {self.no_scope}"
            raise Forbidden(detail.rstrip(), bearer=challenge)

    def require_some_vdn(self) -> None:
        """Raise Forbidden if the caller may read no VDN at all, whatever it asks for: that is no fault of its query."""
        if not self.vdns:
            raise Forbidden(f"Client {self.client!r} may read no VDN. {self.no_vdn}".rstrip())

    def require_vdn(self, vdn: int) -> None:
        """Raise Forbidden unless the caller may read `vdn`; one that does not exist is refused in the same words."""
        if vdn not in self.vdns:
            readable = ", ".join(map(str, sorted(self.vdns)[:LISTED])) or "none"
            more = ", ..." if len(self.vdns) > LISTED else ""
            raise Forbidden(f"Client {self.client!r} may not read VDN {vdn}; it may read: {readable}{more}.")


class ClientDirectory:
    """Knows the clients by the hashes of their keys.

    `remembered` are the good keys that were sent so far, as WSGI hands them over. A key itself is here only once its
    holder has sent it, and there are never more of them than hashes in the settings.
    """

    def __init__(self, clients: Iterable[Client], tenant_vdns: Iterable[int], uses: LastUses | None = None) -> None:
        uses = uses or LastUses()
        configured = frozenset(tenant_vdns)
        self._grants: dict[bytes, tuple[bytes, Grant]] = {}
        self.remembered: dict[str | None, Grant] = {}
        keys: set[tuple[str, str]] = set()
        for client in clients:
            vdns = configured if client.vdns is None else client.vdns & configured
            empty = "lists none" if client.vdns == frozenset() else "lists none that is served here"
            for kind, key_hash in ((CURRENT, client.key_sha256), (PREVIOUS, client.previous_key_sha256)):
                if key_hash:
                    digest = bytes.fromhex(key_hash)
                    use, limit = uses.of_key(client.name, kind), client.requests_per_minute
                    why = f"Its setting `vdns` {empty}."
                    grant = Grant(client.name, client.scopes, vdns, requests_per_minute=limit, no_vdn=why, use=use)
                    self._grants[digest[:PREFIX_BYTES]] = (digest, grant)
                    keys.add((client.name, kind))
        uses.keep_keys(keys)

    def find(self, key: str) -> Grant | None:
        """Return what the holder of `key`, the value of `X-API-Key`, may do, or `None` when nobody has that key.

        The table is searched by the beginning of the key's SHA-256, which a guesser cannot steer; what it finds is
        compared in constant time. So the time taken does not tell how near a guess was, nor how many clients there are.

        A good key is looked up as it is from the second time on, because hashing it takes longer than all else here.
        That tells no more: a dictionary compares texts only where all 64 bits of their hash agree, which Python keys
        with a secret of the process.
        """
        grant = self.remembered.get(key)
        if grant is not None:
            return grant
        # WSGI hands header bytes over as Latin-1 characters.
        digest = hashlib.sha256(key.encode("latin-1")).digest()
        known, grant = self._grants.get(digest[:PREFIX_BYTES]) or NOBODY
        if not hmac.compare_digest(known, digest) or grant is None:
            return None
        self.remembered[key] = grant
        return grant
