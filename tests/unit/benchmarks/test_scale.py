"""What is counted while processes are added."""

import pytest

from tests.benchmarks.scale import asked_of, main
from tests.support.redis_cluster import RedisCluster
from tests.support.redis_server import redis_server


def test_commands_of_all_masters_are_counted_and_ours_are_not() -> None:
    """Two of one and one of the other are three, with what they took; to look costs nothing but bytes."""
    with redis_server() as one, redis_server() as other:
        cluster = RedisCluster([one, other])
        before = asked_of(cluster)
        for node in (one, one, other):
            with node.client() as client:
                client.set("key", "x" * 1000)
        cost = asked_of(cluster) - before
    assert cost.commands == 3
    assert cost.bytes > 3000


@pytest.mark.parametrize("text", ["", "0", "2,4", "two", "2  4", "100"])
def test_numbers_of_processes_are_read_strictly(text: str) -> None:
    """Else it would measure something else than was meant."""
    with pytest.raises(SystemExit, match="SCALE_PROCESSES is"):
        main({"SCALE_PROCESSES": text})
