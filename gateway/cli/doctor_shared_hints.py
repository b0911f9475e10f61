"""The doctor on the shared cache: what to do about a fault, by its kind, by the server's words, and by the step."""

import re
from typing import Final

from gateway.cli.doctor_shared_step import Name
from gateway.settings.shared_url import Kind, SharedUrl, read_shared_url
from gateway.shared_store.address import TIMEOUT_S, StoreAddress
from gateway.shared_store.clients import commands_of_connections
from gateway.shared_store.faults import Fault
from gateway.shared_store.rights import set_user

_NO_TLS: Final = "write redis for rediss in cache.shared_url, or name the port that has TLS"
_BY_KIND: Final = {
    "refused": "Nobody answers there: check host, port, DNS and what stands between (a firewall, a NetworkPolicy).",
    "timeout": f"It took longer than {TIMEOUT_S:g} s, which the gateway waits: it is far, busy, or another service.",
    "auth": "Check user and password in cache.shared_url, and with Sentinels cache.sentinel_password; `ACL LOG` on the "
    "server tells more.",
    "tls": "Name the server's authority in cache.shared_ca_file, and the name that its certificate has in the URL.",
    "clients": "The server has as many clients as it takes: raise maxclients, or find who keeps connections.",
    "role": "What answers is no master: a Sentinel wants redis+sentinel://, and a replica is not to be written to.",
    "cluster": "What answers is a node of a cluster, or the cluster is down: redis+cluster://, and `CLUSTER INFO`.",
    "command": "The server, or a proxy before it, does not know this command.",
    "full": "It has no memory left: raise maxmemory, or set an eviction policy.",
    "readonly": "It takes no writes: it is a replica, or cannot save (`INFO persistence`), or misses its replicas.",
}
_BY_WORDS: Final = (
    ("DB index", "The server has fewer databases (`CONFIG GET databases`): name another one in cache.shared_url."),
    ("LOADING|is loading", "It is starting, and reads its data first: wait."),
    ("(?i)wrong.version.number", f"No TLS is spoken there: {_NO_TLS}."),
    (
        "(?i)certificate.required",
        "It wants a certificate of the gateway: name one that it trusts in cache.shared_cert_file.",
    ),
    ("(?i)protocol.version|unsupported.protocol", "It speaks no TLS 1.2 or later, which is the least: have it do so."),
    ("mismatch", "The certificate is for another name: name one that it is for in cache.shared_url."),
    (
        "has expired|not yet valid",
        "The server's certificate, or one above it, is out of date: renew it, or set the clocks.",
    ),
)


def hint_for(fault: Fault, name: Name, address: StoreAddress) -> str:
    """Return what to do about `fault`, which ended the step `name`."""
    url = read_shared_url(address.url.reveal())
    for words, hint in _BY_WORDS:
        if re.search(words, fault.said):
            return hint
    if fault.kind == "auth" and fault.one_operation:
        cluster = url.kind is Kind.CLUSTER
        acl = set_user(address.prefix, cluster=cluster, also=commands_of_connections(address))
        return f"A user with the least rights: {acl}"
    of_the_way = _when_connecting(fault, url) if name is Name.CONNECT else None
    return of_the_way or _BY_KIND.get(fault.kind, "Is it a Redis or Valkey, 6.0 or later?")


def _when_connecting(fault: Fault, url: SharedUrl) -> str | None:
    """Return what else is most likely meant by `fault` at a place that has just taken a connection over TCP."""
    if fault.kind == "role" and url.kind is Kind.SENTINEL:
        return (
            "The Sentinels know no master of this name that is up: compare `SENTINEL MASTERS`, or wait for a failover."
        )
    if fault.kind == "timeout" and url.tls:
        return f"{_BY_KIND['timeout']} Where no TLS is spoken a handshake is not answered: then {_NO_TLS}."
    if fault.kind == "refused" and url.kind is Kind.PLAIN and not url.tls and not url.socket:
        return "It takes connections and ends them: does it speak TLS (rediss://), or is it a proxy with nobody behind?"
    return None
