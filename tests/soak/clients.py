"""Who calls: clients with keys of one VDN, of two, of all, with a limit, and holders of tokens; and who may not."""

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from gateway.access.keys import key_hash
from tests.support.canaries import plant
from tests.support.identity_provider import claims, token

VDNS = (1, 2, 3, 4)
LIMIT_PER_MINUTE = 15
TOKEN_RENEWED_S = 60.0
"""A token is good for five minutes."""

_LIMITED = "limited"
_UNKNOWN_KEY = "soak-key-that-nobody-knows"


@dataclass(frozen=True)
class Client:
    """Somebody who calls: `headers` returns the credentials, good for `vdns`; `share` is how often among all."""

    name: str
    headers: Callable[[], Mapping[str, str]]
    vdns: tuple[int, ...]
    share: float = 1.0
    limited: bool = False


def clients() -> list[Client]:
    """Return all clients; those without VDNs are known to nobody."""
    made = [Client(name, _key_header(_key(name)), vdns, limited=name == _LIMITED) for name, vdns, _ in _with_keys()]
    made += [Client(f"token-{vdn}", _Tokens(vdn), (vdn,)) for vdn in VDNS]
    return [*made, Client("stranger", _key_header(_UNKNOWN_KEY), (), share=0.2)]


def client_tables() -> str:
    """Return the setting `clients`."""
    tables = (
        f'{{name = "{name}", key_sha256 = "{key_hash(_key(name))}", vdns = {json.dumps(vdns)}, '
        f"requests_per_minute = {limit}}}"
        for name, vdns, limit in _with_keys()
    )
    return f"[{', '.join(tables)}]"


def access_key(vdn: int) -> str:
    """Return the access key of a VDN."""
    return f"soak-access-{vdn}"


def secret_key(vdn: int) -> str:
    """Return the secret key of a VDN, of which no output may hold anything."""
    made = f"soak-secret-{vdn}"
    plant(made)
    return made


def chance(seed: int, what: str) -> random.Random:
    """Return the source of what is drawn for `what`: the same for the same seed."""
    return random.Random(f"{seed} {what}")  # noqa: S311 -- not a secret


def _with_keys() -> Iterator[tuple[str, tuple[int, ...], int]]:
    for vdn in VDNS:
        yield f"one-{vdn}", (vdn,), 0
        yield f"pair-{vdn}", (vdn, vdn % len(VDNS) + 1), 0
    yield "all", VDNS, 0
    yield _LIMITED, (VDNS[0],), LIMIT_PER_MINUTE


def _key(name: str) -> str:
    made = f"soak-key-of-{name}"
    plant(made)
    return made


def _key_header(key: str) -> Callable[[], Mapping[str, str]]:
    headers = {"X-API-Key": key}
    return lambda: headers


class _Tokens:
    """Tokens for one VDN, a new one before the last expires."""

    def __init__(self, vdn: int) -> None:
        self._vdn = vdn
        self._made_at = 0.0
        self._headers: Mapping[str, str] = {}

    def __call__(self) -> Mapping[str, str]:
        now = time.time()
        if now - self._made_at > TOKEN_RENEWED_S:
            made = token(claims(vdns=[self._vdn], client_id=f"soak-{self._vdn}"))
            self._headers = {"Authorization": f"Bearer {made}"}
            self._made_at = now
        return self._headers
