"""From sources to `Settings`, or to one error that names every fault."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import tomli_w
from marshmallow import ValidationError

from gateway.settings.faults import fault_sentences, given
from gateway.settings.folders import folder_fault
from gateway.settings.kept import KeptSettings
from gateway.settings.model import (
    CacheSettings,
    Client,
    ExportSettings,
    HttpSettings,
    IsalesSettings,
    JwtSettings,
    LogSettings,
    Settings,
    Tenant,
    TokenGrant,
)
from gateway.settings.schema import SETTINGS
from gateway.settings.secret_files import exposure, read_secret_files
from gateway.settings.shared_url import unverified
from gateway.settings.sources import Sources, read_files, table_kinds
from gateway.settings.time_zones import time_zone_data, turned_sign
from gateway.settings.tls_files import ISALES, SHARED, tls_faults
from gateway.settings.variables import read_variables

PROJECT = Path(__file__).resolve().parents[2]
_TLS_FILES = {"isales": ISALES, "cache": SHARED}
DEMO_KEY_SHA256 = hashlib.sha256(b"demo-key").hexdigest()
KEY_HASHES = ("key_sha256", "previous_key_sha256")


class SettingsError(Exception):
    """The settings are not usable; `faults` has one sentence for each thing to mend."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = tuple(faults)
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        super().__init__(f"{count} in the settings:\n" + "\n".join(f"  - {fault}" for fault in faults))


def load_settings(environ: Mapping[str, str], root: Path = PROJECT) -> Settings:
    """Return the settings that the files below `root` and the variables in `environ` make.

    Raises SettingsError with every fault at once; it never holds the text of a secret.
    """
    return load_kept(environ, root)[0]


def load_kept(environ: Mapping[str, str], root: Path = PROJECT) -> tuple[Settings, KeptSettings]:
    """Return the settings as `load_settings` does, and what they can be made of once more without their sources."""
    loaded = _loaded(environ, root)
    if isinstance(loaded, list):
        # Raised here, where no variable holds a secret: some tools show those of each frame with the error.
        raise SettingsError(loaded)
    return loaded


def _loaded(environ: Mapping[str, str], root: Path) -> tuple[Settings, KeptSettings] | list[str]:
    sources = Sources()
    read_files(sources, environ, root)
    read_variables(sources, environ)
    read_secret_files(sources, environ)
    for name in SETTINGS.tables:
        sources.values.setdefault(name, {})
    for name in SETTINGS.arrays:
        sources.values.setdefault(name, [])
    faults = list(sources.faults)
    try:
        values: dict[str, Any] = SETTINGS.load(sources.values)
    except ValidationError as fault:
        faults += list(fault_sentences(fault.messages, sources, SETTINGS))
        values = fault.valid_data if isinstance(fault.valid_data, dict) else {}
    environment = environ.get("GATEWAY_ENV") or "development"
    for section, names in _TLS_FILES.items():
        files = tls_faults(values.get(section, {}), names)
        faults += [f"{sources.called(f'{section}.{name}')}: {fault}" for name, fault in files]
    if spool_fault := folder_fault(values.get("export", {}).get("spool_folder", "")):
        faults.append(f"{sources.called('export.spool_folder')}: {spool_fault}")
    faults += list(_contradictions(values))
    if environment == "production":
        faults += list(_refused_in_production(values, sources))
        faults += list(_missed_in_production(values) if not sources.incomplete else ())
    if faults:
        return faults
    for section, names in _TLS_FILES.items():
        key_file = values[section][names.key_file] or values[section][names.cert_file]
        if key_file and (warning := exposure(key_file, environ)):
            sources.warnings.append(f"{section}: {warning}")
    settings = _settings(environment, values, sources.warnings)
    return settings, KeptSettings.of(environment, sources.values, settings.time_zones.release)


def restore_settings(kept: KeptSettings) -> Settings:
    """Return the settings that `kept` was made of, whatever has become of their sources.

    Raises SettingsError where it is of a version of the gateway that had other settings.
    """
    try:
        values: dict[str, Any] = SETTINGS.load(kept.values_with_files())
    except ValidationError:
        raise SettingsError(["the settings that were kept are those of another version"]) from None
    return _settings(kept.environment, values, [])


def effective_toml(settings: Settings) -> str:
    """Return the settings as TOML, defaults filled in and secrets redacted."""
    shown = {name: getattr(settings, name) for name in SETTINGS.fields} | {"tenants": settings.tenants.values()}
    return tomli_w.dumps(dict(SETTINGS.dump(shown)))


def _tables(values: dict[str, Any], name: str) -> list[tuple[int, dict[str, Any]]]:
    """Return the entries of an array of tables that could be read, each with its number."""
    entries = values.get(name)
    listed = entries if isinstance(entries, list) else []
    return [(number, entry) for number, entry in enumerate(listed) if isinstance(entry, dict)]


def _contradictions(values: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong between entries that are right by themselves."""
    tenants, clients = _tables(values, "tenants"), _tables(values, "clients")
    for vdn, times in Counter(tenant.get("vdn") for _, tenant in tenants).items():
        if vdn is not None and times > 1:
            yield f"tenants: VDN {vdn} is listed {times} times; keep one entry for it"
    for client, times in Counter(client.get("name") for _, client in clients).items():
        if client is not None and times > 1:
            yield f"clients: the name {client!r} is given {times} times; each client needs a name of its own"
    owners: dict[str, str] = {}
    for number, client in clients:
        for setting in ("key_sha256", "previous_key_sha256"):
            hashed = client.get(setting, "")
            label = f"clients[{number}].{setting}"
            if hashed and owners.setdefault(hashed, label) != label:
                yield f"{label}: is the key of {owners[hashed]} too; a key has one owner"
    for issuer, times in Counter(jwt.get("issuer") for _, jwt in _tables(values, "jwt")).items():
        if issuer and times > 1:
            yield f"jwt: the issuer {issuer!r} is listed {times} times; keep one table for it"
    yield from _ambiguous_grants(values)


def _ambiguous_grants(values: dict[str, Any]) -> Iterator[str]:
    for number, jwt in _tables(values, "jwt"):
        whose = Counter(
            (kind, grant[kind])
            for _, grant in _tables(jwt, "grants")
            for kind in ("subject", "client")
            if grant.get(kind)
        )
        for (kind, name), times in whose.items():
            if times > 1:
                yield f"jwt[{number}].grants: the {kind} {name!r} is listed {times} times; keep one table for it"


def _missed_in_production(values: dict[str, Any]) -> Iterator[str]:
    """Yield what production wants and is not there. A faulty setting, not being in `values`, may be meant as that."""
    clients = values.get("clients")
    tokens = "jwt" not in values or any(jwt.get("issuer", True) for _, jwt in _tables(values, "jwt"))
    keys = any(client.get(name, True) for client in clients or () for name in KEY_HASHES)
    if clients is not None and not tokens and not keys:
        yield "clients: production refuses to start with no client that has a key; `flask keys new` makes one"
    if values.get("tenants") == []:
        yield "tenants: production refuses to start with no VDN to ask for; add a [[tenants]] table"


def _refused_in_production(values: dict[str, Any], sources: Sources) -> Iterator[str]:
    clients = _tables(values, "clients")
    kinds = table_kinds()
    urls = [("isales", "base_url", values.get("isales", {}), "")]
    one = isinstance(sources.values["jwt"], dict)
    for number, jwt in _tables(values, "jwt"):
        table = "jwt" if one else f"jwt[{number}]"
        urls.append((table, "jwks_url", jwt, ", over which anybody could slip in keys"))
    for table, setting, section, why in urls:
        if str(section.get(setting, "")).lower().startswith("http:"):
            name = f"{table}.{setting}"
            value = given(sources, name, kinds[table.partition("[")[0]].schema.fields[setting])
            yield f"{sources.called(name)}: production refuses plain HTTP{why}; use https://{value}"
    shared = values.get("cache", {}).get("shared_url")
    if shared and (option := unverified(shared.reveal())):
        yield (
            f"{sources.called('cache.shared_url')}: production refuses {option}, with which anybody may pass for this "
            "Redis; leave it out, and name its authority in cache.shared_ca_file"
        )
    for number, client in clients:
        for setting in KEY_HASHES:
            if client.get(setting) == DEMO_KEY_SHA256:
                name = sources.called(f"clients[{number}].{setting}")
                yield f"{name}: production refuses the demo key; `flask keys new` makes a key of your own"


def _settings(environment: str, values: dict[str, Any], warnings: list[str]) -> Settings:
    clients = tuple(Client(**{**client, "scopes": frozenset(client["scopes"])}) for client in values["clients"])
    tenants = {
        tenant["vdn"]: Tenant(**{**tenant, "name": tenant["name"] or f"VDN {tenant['vdn']}"})
        for tenant in values["tenants"]
    }
    jwt = tuple(map(_jwt, values["jwt"]))
    return Settings(
        environment=environment,
        isales=IsalesSettings(**values["isales"]),
        tenants=tenants,
        cache=CacheSettings(**values["cache"]),
        clients=clients,
        jwt=jwt,
        http=HttpSettings(**{**values["http"], "cors_origins": tuple(values["http"]["cors_origins"])}),
        export=ExportSettings(**values["export"]),
        log=LogSettings(**values["log"]),
        time_zones=time_zone_data(),
        warnings=(
            *warnings,
            *_turned_signs(tenants),
            *_without_tenant(tenants, clients, jwt),
            *_without_issuer(jwt),
        ),
    )


def _jwt(table: dict[str, Any]) -> JwtSettings:
    grants = tuple(TokenGrant(**{**grant, "scopes": frozenset(grant["scopes"])}) for grant in table["grants"])
    return JwtSettings(**{**table, "accepted_clients": tuple(table["accepted_clients"]), "grants": grants})


def _turned_signs(tenants: Mapping[int, Tenant]) -> Iterator[str]:
    for vdn, tenant in tenants.items():
        if warning := turned_sign(tenant.time_zone.key):
            yield f"the time_zone of VDN {vdn}: {warning}"


def _without_tenant(
    tenants: Mapping[int, Tenant], clients: tuple[Client, ...], jwt: tuple[JwtSettings, ...]
) -> Iterator[str]:
    readers = [(f"client {client.name!r}", client.vdns) for client in clients]
    readers += [
        (f"who has jwt.grants {grant.subject or grant.client!r}", grant.vdns) for one in jwt for grant in one.grants
    ]
    for who, vdns in readers:
        missing = sorted((vdns or frozenset()) - set(tenants))
        if missing:
            listed = ", ".join(map(str, missing))
            yield f"{who} may read VDN {listed}, for which there is no [[tenants]] table"


def _without_issuer(jwt: tuple[JwtSettings, ...]) -> Iterator[str]:
    for number, one in enumerate(jwt):
        table = "jwt" if len(jwt) == 1 else f"jwt[{number}]"
        for name in ("audience", "accepted_clients", "jwks_url", "jwks_file", "grants"):
            if getattr(one, name) and not one.issuer:
                yield f"{table}.{name} is set, but {table}.issuer is not: its bearer tokens are not taken"
