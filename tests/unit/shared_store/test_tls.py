"""TLS to all kinds of set-ups: Sentinels and their master, and nodes of a cluster, which tell their own addresses."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.cli.doctor_shared import examine_shared
from gateway.cli.doctor_shared_step import Name
from gateway.isales.doctor_step import State, Step
from gateway.model import CampaignQuery
from gateway.pages.key import page_key
from gateway.pages.shared import Landing
from gateway.settings.model import Secret
from gateway.shared_store.address import KEY_PREFIX, StoreAddress
from gateway.shared_store.rights import set_user
from tests.support.redis_tls import Files, tls_cluster, tls_sentinel
from tests.support.shared_tier import NAMESPACE, Faults, shared_tier

PAGES = [page_key(CampaignQuery(vdn=1, page=number), "test", NAMESPACE) for number in range(1, 9)]
PATIENCE_S = 5.0
"""How long a node may take on a busy machine: no test here is about one that takes too long."""
LOGIN = "campaign-gateway:PASSWORD@"
OF_SENTINEL = "waechter-canary"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Return the authority and the certificate of the servers."""
    return Files(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def cluster(files: Files) -> Iterator[StoreAddress]:
    """Return where a cluster with TLS is, and whom to trust."""
    with tls_cluster(files) as url:
        yield StoreAddress(url, timeout_s=PATIENCE_S, ca_file=str(files.authority))


@pytest.fixture(scope="module")
def sentinel(files: Files) -> Iterator[StoreAddress]:
    """Return where a master with a Sentinel is, with a user of one and the password of the other."""
    with tls_sentinel(files, LOGIN, set_user(KEY_PREFIX, cluster=False), OF_SENTINEL) as url:
        yield StoreAddress(
            url, timeout_s=PATIENCE_S, ca_file=str(files.authority), sentinel_password=Secret(OF_SENTINEL)
        )


def steps_of(address: StoreAddress) -> dict[str, Step]:
    """Return what the doctor finds, by name."""
    return {step.name: step for step in examine_shared(address, lambda: datetime.now(UTC))}


def bad(steps: dict[str, Step]) -> dict[str, State]:
    """Return those that are neither good nor skipped."""
    return {name: step.state for name, step in steps.items() if step.state in {State.WARNING, State.FAILED}}


@pytest.mark.parametrize("kind", ["cluster", "sentinel"])
def test_pages_are_shared_over_tls(kind: str, request: pytest.FixtureRequest) -> None:
    """On all nodes, by two processes; the doctor has nothing to say."""
    address: StoreAddress = request.getfixturevalue(kind)
    faults = Faults()
    with shared_tier(address, faults) as one, shared_tier(address, faults) as two:
        for key in PAGES:
            lease = one.try_lead(key)
            assert lease is not None
            assert lease.shared
            one.announce(lease)
            assert one.land(lease, b"entry", 60, 0) is Landing.DONE
            assert two.get(key) is not None
    # Only a busy machine.
    assert set(faults) <= {"timeout"}
    steps = steps_of(address)
    assert bad(steps) == {}, steps
    assert steps[Name.TLS].state is State.GOOD
    assert steps[Name.CONNECT].facts["masters"] == (2 if kind == "cluster" else 1)


@pytest.mark.parametrize("kind", ["cluster", "sentinel"])
def test_an_authority_that_is_not_trusted_is_named(kind: str, request: pytest.FixtureRequest) -> None:
    """Wherever the first handshake is: with a Sentinel, or a node that is asked for all others."""
    address = replace(request.getfixturevalue(kind), ca_file="")
    step = steps_of(address)[Name.CONNECT]
    assert (step.state, step.facts["fault"]) == (State.FAILED, "tls"), step
    with shared_tier(address) as tier:
        for _ in range(3):
            assert tier.get(PAGES[0]) is None
        assert tier.report()["fault"] == "tls"


@pytest.mark.parametrize(("password", "said"), [("falsch-canary", "invalid"), ("", "required")])
def test_a_password_that_sentinels_do_not_take_is_named(sentinel: StoreAddress, password: str, said: str) -> None:
    """A wrong one, or none: it is no missing master; neither it nor where they are is shown."""
    address = replace(sentinel, sentinel_password=Secret(password))
    step = steps_of(address)[Name.CONNECT]
    assert (step.state, step.facts["fault"]) == (State.FAILED, "auth"), step
    assert "cache.sentinel_password" in step.hint
    with shared_tier(address) as tier:
        for _ in range(3):
            assert tier.get(PAGES[0]) is None
        report = tier.report()
    assert report["fault"] == "auth"
    assert said in str(report["said"])
    assert "canary" not in f"{step} {report}"
    assert "127.0.0.1" not in str(report)


def test_a_password_that_the_master_does_not_take_is_named(sentinel: StoreAddress) -> None:
    """Though the Sentinels took theirs."""
    address = replace(sentinel, url=Secret(sentinel.url.reveal().replace("PASSWORD", "falsch-canary")))
    step = steps_of(address)[Name.CONNECT]
    assert (step.state, step.facts["fault"]) == (State.FAILED, "auth"), step
