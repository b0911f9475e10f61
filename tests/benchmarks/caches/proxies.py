"""Shared caches: the proxies of `deploy/fronts`, which keep nothing as they are deployed, told to keep pages."""

import getpass
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tests.benchmarks.processes import BOTH_CORES, running
from tests.benchmarks.upstreams import accepts
from tests.support.fronts import Front, front
from tests.support.nginx import command
from tests.support.server import free_port

BARE_NGINX: Final = "nginx, bare"
_NGINX: Final = """
user {user}; daemon off; pid {folder}/nginx.pid; error_log stderr crit;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    proxy_cache_path {folder}/cache keys_zone=pages:10m;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass {gateway};
            proxy_cache pages;
            proxy_cache_revalidate on;
        }}
    }}
}}
"""
_MODULES: Final = "/usr/lib/apache2/modules"
_APACHE: Final = {
    "ServerName localhost": f"""ServerName localhost
LoadModule cache_module {_MODULES}/mod_cache.so
LoadModule cache_disk_module {_MODULES}/mod_cache_disk.so""",
    "ProxyRequests Off": "ProxyRequests Off\n    CacheEnable disk /campaigns\n    CacheRoot @CACHE",
}
_SQUID: Final = {"cache deny all": "cache allow all"}
_VARNISH: Final = {"return (pass);": "return (hash);"}
_VARNISH_KEEPS: Final = "return (hash);\n}}\n\nsub vcl_backend_response {{\n    {}return (deliver);"
_ATS_OFF: Final = "CONFIG proxy.config.http.cache.http INT 0"
_ATS_ON: Final = "CONFIG proxy.config.http.cache.http INT 1"
_HAPROXY_CACHE: Final = "\ncache pages\n    total-max-size 4\n    max-age 60\n    process-vary on\n\nfrontend callers\n"
_HAPROXY_STORE: Final = (
    "http-request cache-use pages\n    {}http-response cache-store pages\n    option http-server-close"
)
_HAPROXY_TOLD: Final = 'http-response replace-header Cache-Control "private, (.*)" "\\1"\n    '
_HAPROXY_VARY: Final = "http-response set-header Vary Accept-Encoding\n    "


@dataclass(frozen=True)
class Proxy:
    """The proxy `name` of `deploy/fronts` with `changes` in its files, where `@CACHE` is a folder to keep pages in."""

    name: str
    changes: Mapping[str, str] = field(default_factory=dict)


def _haproxy(told: str) -> Proxy:
    changes = {"\nfrontend callers\n": _HAPROXY_CACHE, "option http-server-close": _HAPROXY_STORE.format(told)}
    return Proxy("haproxy", changes)


PROXIES: Final[Mapping[tuple[str, str], Proxy]] = {
    ("nginx", "`deploy/nginx`"): Proxy("nginx"),
    ("nginx", "`proxy_cache`"): Proxy(BARE_NGINX),
    ("apache", "`CacheEnable`"): Proxy("apache", _APACHE),
    ("apache", "`CacheStorePrivate On` too"): Proxy(
        "apache", {**_APACHE, "ProxyRequests Off": f"{_APACHE['ProxyRequests Off']}\n    CacheStorePrivate On"}
    ),
    ("squid", "`cache allow all`"): Proxy("squid", _SQUID),
    ("squid", "`refresh_pattern ... ignore-private` too"): Proxy(
        "squid", {"cache deny all": "cache allow all\nrefresh_pattern . 0 20% 4320 ignore-private"}
    ),
    ("varnish", "`return (hash)`"): Proxy("varnish", _VARNISH),
    ("varnish", "its built-in `vcl_backend_response` left out"): Proxy(
        "varnish", {"return (pass);": _VARNISH_KEEPS.format("")}
    ),
    ("varnish", "the same, and `beresp.grace = 0s`"): Proxy(
        "varnish", {"return (pass);": _VARNISH_KEEPS.format("set beresp.grace = 0s;\n    ")}
    ),
    ("trafficserver", "`cache.http INT 1`"): Proxy("trafficserver", {_ATS_OFF: _ATS_ON}),
    ("trafficserver", "`cache.ignore_server_no_cache INT 1` too"): Proxy(
        "trafficserver", {_ATS_OFF: f"{_ATS_ON}\nCONFIG proxy.config.http.cache.ignore_server_no_cache INT 1"}
    ),
    ("haproxy", "`cache-store`, `process-vary on`"): _haproxy(""),
    ("haproxy", "`private` taken away"): _haproxy(_HAPROXY_TOLD),
    ("haproxy", "`private` taken away, and all of `Vary` but `Accept-Encoding`"): _haproxy(
        _HAPROXY_TOLD + _HAPROXY_VARY
    ),
}


@contextmanager
def cached(proxy: Proxy, folder: Path, gateway: str) -> Iterator[Front]:
    """Run `proxy` in front of the gateway at this URL for as long as the context lasts. `folder` is empty."""
    for place in ("proxy", "cache"):
        (folder / place).mkdir()
        (folder / place).chmod(0o777)  # some change their user
    if proxy.name == BARE_NGINX:
        port = free_port()
        path = folder / "proxy" / "nginx.conf"
        values = {"folder": path.parent, "port": port, "gateway": gateway, "user": getpass.getuser()}
        path.write_text(_NGINX.format(**values), encoding="utf-8")
        with running(command(path, "-e", "stderr"), lambda: accepts(port), BOTH_CORES):
            yield Front(proxy.name, f"http://127.0.0.1:{port}")
        return
    changes = {old: new.replace("@CACHE", str(folder / "cache")) for old, new in proxy.changes.items()}
    with front(proxy.name, folder / "proxy", f"http://127.0.0.1:{urlsplit(gateway).port}", changes) as served:
        yield served
