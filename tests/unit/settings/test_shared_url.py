"""`cache.shared_url` and what goes with it: every form that is taken, other libraries' forms, and faults by name."""

from pathlib import Path

import pytest
import trustme

from gateway.settings import load_settings
from gateway.settings.shared_url import CLUSTER_FORM, SENTINEL_FORM, Kind, read_shared_url, unverified
from tests.unit.settings.project import faults_of
from tests.unit.settings.test_production import faults as faults_in_production

SECRET = "geheim-canary"


@pytest.mark.parametrize(
    ("url", "kind", "options", "nodes", "service"),
    [
        ("redis://h", Kind.PLAIN, "redis://h", (), ""),
        ("REDIS://h:1/2", Kind.PLAIN, "redis://h:1/2", (), ""),
        ("valkey://h:1/2", Kind.PLAIN, "redis://h:1/2", (), ""),
        ("valkeys://:p%40@h?client_name=x", Kind.PLAIN, "rediss://:p%40@h?client_name=x", (), ""),
        ("unix:///run/s?db=1", Kind.PLAIN, "unix:///run/s?db=1", (), ""),
        (
            "redis+sentinel://user:pw@h1:26379,h2:26380/mymaster/3?client_name=x",
            Kind.SENTINEL,
            "redis://user:pw@h1:26379/3?client_name=x",
            (("h1", 26379), ("h2", 26380)),
            "mymaster",
        ),
        (
            "rediss+sentinel://h1,[::1]/my%20master",
            Kind.SENTINEL,
            "rediss://h1:26379/0",
            (("h1", 26379), ("::1", 26379)),
            "my master",
        ),
        ("redis+cluster://h1:1,h2:2", Kind.CLUSTER, "redis://h1:1/0", (("h1", 1), ("h2", 2)), ""),
        ("rediss+cluster://:pw@[::1]:7000/0", Kind.CLUSTER, "rediss://:pw@[::1]:7000/0", (("::1", 7000),), ""),
    ],
)  # fmt: skip
def test_a_form_is_taken_apart(
    url: str, kind: Kind, options: str, nodes: tuple[tuple[str, int], ...], service: str
) -> None:
    """What redis-py is to read stands in a URL of its own, and TLS is that of the scheme."""
    read = read_shared_url(url)
    assert (read.kind, read.options.reveal(), read.nodes, read.service) == (kind, options, nodes, service)
    assert read.tls == url.lower().startswith(("rediss", "valkeys"))


@pytest.mark.parametrize(
    ("url", "right"),
    [
        ("redis-sentinel://geheim-canary@h1:26379,h2/0#mymaster", SENTINEL_FORM),
        ("rediss-sentinel://h1#mymaster", SENTINEL_FORM),
        ("sentinel://h1:26379;sentinel://h2:26379", SENTINEL_FORM),
        ("valkey+sentinel://h1/mymaster", SENTINEL_FORM),
        ("redis-cluster://h1:7000", CLUSTER_FORM),
        ("valkeys+cluster://h1:7000", CLUSTER_FORM),
        ("redis://h1:7000,h2:7000", CLUSTER_FORM),
        ("redis://:geheim-canary@h1:26379,h2:26379?sentinelMasterId=m", SENTINEL_FORM),
        ("redis+ssl://h", "rediss://host:port/0"),
        ("redis+tls://h", "rediss://host:port/0"),
        ("redis-socket:///run/s", "unix:///path"),
        ("redis+unix:///run/s", "unix:///path"),
        ("unix://run/s", "unix:///path"),
        ("unix://user:geheim-canary@run/s?db=1", "unix:///path"),
        ("redis+sentinel://h1:26379", "names no master"),
        ("redis+sentinel://h1:26379/0", "names no master"),
        ("redis+sentinel://h1:26379/0#mymaster", "the name of the master is in the path"),
        ("redis+sentinel://h1:26379/mymaster/x", SENTINEL_FORM),
        ("redis+sentinel://h1:0/mymaster", SENTINEL_FORM),
        ("redis+sentinel://:geheim-canary/x@h1/mymaster", "percent-encoded"),
        ("redis+cluster://h1/3", "has only one, 0"),
        ("redis+cluster://", CLUSTER_FORM),
        ("memcached://geheim-canary", SENTINEL_FORM),
        ("h:6379", "redis://host:port/0"),
        ("redis://h/x", "redis://host:port/0"),
        ("redis://:geheim-canary/@h:1", "redis://host:port/0"),
    ],
)
def test_another_form_is_a_fault_with_the_right_spelling(root: Path, url: str, right: str) -> None:
    """Of lettuce, Spring, kombu, StackExchange and others; nothing of what was written is shown."""
    (fault,) = faults_of(root, GATEWAY__CACHE__SHARED_URL=url)
    assert fault.startswith("cache.shared_url (from GATEWAY__CACHE__SHARED_URL): ")
    assert right in fault
    assert SECRET not in fault


@pytest.mark.parametrize(
    ("query", "option"),
    [
        ("ssl_cert_reqs=none", "ssl_cert_reqs"),
        ("db=0&ssl_cert_reqs=Optional", "ssl_cert_reqs"),
        ("ssl_check_hostname=False", "ssl_check_hostname"),
        ("ssl_check_hostname=0", "ssl_check_hostname"),
        ("ssl_cert_reqs=required&ssl_check_hostname=yes", None),
        ("client_name=none", None),
    ],
)
def test_production_refuses_to_trust_anybody(query: str, option: str | None) -> None:
    """A certificate that is not checked may be anybody's."""
    for url in (f"rediss://:{SECRET}@h/0?{query}", f"rediss+cluster://h?{query}"):
        assert unverified(url) == option
        told = faults_in_production(CACHE__SHARED_URL=url)
        assert [f"production refuses {option}" in fault for fault in told] == [True] * (option is not None)
        assert SECRET not in "".join(told)


@pytest.mark.parametrize("prefix", ["", "a b", "a*", "a?", "[a", "a]", "{a", "a}", "a\\", "é", "x" * 65])
def test_a_prefix_that_is_a_pattern_is_refused(root: Path, prefix: str) -> None:
    """Purges look for keys by pattern, ACLs name them by one, and braces would put all keys on one node."""
    (fault,) = faults_of(root, GATEWAY__CACHE__SHARED_PREFIX=prefix)
    assert "without blanks, brackets, braces" in fault


@pytest.mark.parametrize("prefix", ["campaign-gateway:", "a", "team/prod.gateway_1:", "x" * 64])
def test_other_prefixes_are_taken(root: Path, prefix: str) -> None:
    """A prefix may be any name, and end in any separator."""
    assert load_settings({"GATEWAY__CACHE__SHARED_PREFIX": prefix}, root).cache.shared_prefix == prefix


def test_files_for_tls_are_looked_at(root: Path, tmp_path: Path) -> None:
    """As those for CC-iSales: what cannot be used is a fault of the setting that names it."""
    ca = trustme.CA()
    ours = ca.issue_cert("gateway.example.com")
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    ours.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "both.pem"))
    (tmp_path / "both.pem").chmod(0o600)
    tls = {"GATEWAY__CACHE__SHARED_URL": "rediss://h"}
    good = {**tls, "GATEWAY__CACHE__SHARED_CA_FILE": str(tmp_path / "ca.pem")}
    good["GATEWAY__CACHE__SHARED_CERT_FILE"] = str(tmp_path / "both.pem")
    assert load_settings(good, root).warnings == ()
    (tmp_path / "both.pem").chmod(0o644)
    assert "cache: " in load_settings(good, root).warnings[0]
    (fault,) = faults_of(root, **tls, GATEWAY__CACHE__SHARED_CA_FILE="/nowhere/ca.pem")
    assert fault.startswith("cache.shared_ca_file (from ")
    assert "cannot be read" in fault
    (fault,) = faults_of(root, **tls, GATEWAY__CACHE__SHARED_KEY_FILE=str(tmp_path / "both.pem"))
    assert "`shared_cert_file` is not" in fault
    (fault,) = faults_of(root, **{**good, "GATEWAY__CACHE__SHARED_KEY_FILE": str(tmp_path / "ca.pem")})
    assert "no private key" in fault


def test_what_the_url_has_no_use_for_is_a_fault(root: Path, tmp_path: Path) -> None:
    """Files for TLS without TLS, and a password of Sentinels without any; without a URL they may wait for one."""
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    files = {"GATEWAY__CACHE__SHARED_CA_FILE": str(tmp_path / "ca.pem")}
    password = {"GATEWAY__CACHE__SENTINEL_PASSWORD": SECRET}
    assert load_settings({**files, **password}, root).cache.sentinel_password.reveal() == SECRET
    (fault,) = faults_of(root, GATEWAY__CACHE__SHARED_URL="redis+cluster://h", **files)
    assert "write `rediss` in it for `redis`" in fault
    (fault,) = faults_of(root, GATEWAY__CACHE__SHARED_URL="redis://h", **password)
    assert "names no Sentinels" in fault
    assert SECRET not in fault
    url = {"GATEWAY__CACHE__SHARED_URL": "rediss+sentinel://h/mymaster"}
    assert load_settings({**url, **files, **password}, root).warnings == ()
