"""Ports that tests take: none is lost to another process before somebody listens there."""

from pathlib import Path

from tests.support.server import BUS, claimed_ports, free_port


def test_no_port_is_one_that_the_system_gives_to_others() -> None:
    """It has a range of which it takes one for whoever does not care; and none of ours is given again soon."""
    given = [free_port() for _ in range(100)]
    first, last = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    assert len(set(given)) == len(given)
    assert not [port for port in given if first <= port <= last or first <= port + BUS <= last]


def test_who_claims_ports_has_them_alone() -> None:
    """Each process of tests does, those of other runs on this machine as well."""
    mine = free_port()
    with claimed_ports() as one, claimed_ports() as two:
        assert not set(one) & set(two)
        assert mine not in {*one, *two}
