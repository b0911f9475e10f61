"""The steps of the doctor on the shared cache."""

from enum import StrEnum


class Name(StrEnum):
    """In the order in which they are taken."""

    DNS = "dns"
    TCP = "tcp"
    CONNECT = "connect"
    TLS = "tls"
    ROLE = "role"
    VERSION = "version"
    RIGHTS = "rights"
    CHANNEL = "channel"
    EVICTION = "eviction"
    MEMORY = "memory"
    LATENCY = "latency"
    CLOCK = "clock"
