"""Who may call: the tenants, their keys, and the VDNs that a key is good for."""

from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.simulator.signature import ReceivedRequest, SignatureError, verify


@dataclass(frozen=True)
class Tenant:
    """A pair of keys and the VDNs that it may be used for."""

    vdns: tuple[int, ...]
    access_key: str
    secret_key: str = field(repr=False)

    def permitted(self, vdn: int) -> int:
        """Return `vdn` if the keys are good for it. Raises `SignatureError`."""
        if vdn not in self.vdns:
            raise SignatureError(f"the access key is not one of VDN {vdn}")
        return vdn


class Keys:
    """Tells whether a request may have what it asks for.

    `host_header` is the only `Host` let through, if not empty; `window_s` how far a time may be off, 0: any.
    """

    def __init__(self, tenants: Iterable[Tenant], host_header: str = "", window_s: float = 900.0) -> None:
        self._tenants = {tenant.access_key: tenant for tenant in tenants}
        self._secret_keys = {key: tenant.secret_key for key, tenant in self._tenants.items()}
        self._host_header = host_header
        self._window = timedelta(seconds=window_s) if window_s else timedelta.max

    def verified(self, request: ReceivedRequest, now: datetime, revoked: Container[str] = ()) -> Tenant:
        """Return the tenant who signed `request`, with a key that is not `revoked`. Raises `SignatureError`."""
        host = request.headers.get("host", "")
        if self._host_header not in {"", host}:
            raise SignatureError(f"Host is {host!r}, and only {self._host_header!r} is served here")
        good = {key: secret for key, secret in self._secret_keys.items() if key not in revoked}
        return self._tenants[verify(request, good, now, self._window)]
