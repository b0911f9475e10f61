"""What processes hold, and when that is too much."""

import os
from collections.abc import Callable, Iterator

import pytest

from tests.soak.usage import (
    LONG_LIVED_S,
    MOST_FILES,
    MOST_MIB,
    OLD_S,
    WARM_UP_S,
    Sample,
    Sampler,
    faults_of,
    lives,
    over_time,
    sample,
)
from tests.support.waiting import wait_until


def samples(
    mebibytes: Callable[[float], float], files: Callable[[float], int] = lambda _: 40, seconds: int = 120
) -> Iterator[Sample]:
    """Yield samples of a process every second, by its age."""
    return (Sample(500.0 + age, "A worker", 7, mebibytes(age), files(age), 30) for age in range(seconds))


def test_a_process_that_wanders_is_flat() -> None:
    """Loading, and a peak now and then, are no growth."""
    (life,) = lives(samples(lambda age: min(40 + 3 * age, 80) + (30 if age % 20 == 0 else 0)))
    assert life.first == (80.0, 40.0)
    assert life.last == (80.0, 40.0)
    assert life.most == (110.0, 40.0)
    assert faults_of([life]) == []


@pytest.mark.parametrize(("seconds", "most"), [(int(OLD_S) - 10, 32), (1000, 16)])
def test_a_process_that_leaks_memory_is_told(seconds: int, most: int) -> None:
    """Also where it holds less than the most that is allowed; the older it is, the less it may still grow."""
    warm_up_s = min(WARM_UP_S, seconds / 2)
    a_second = most / ((seconds - warm_up_s) * 3 / 4)
    assert faults_of(lives(samples(lambda age: 60 + 0.9 * a_second * age, seconds=seconds))) == []
    (told,) = faults_of(lives(samples(lambda age: 60 + 1.1 * a_second * age, seconds=seconds)))
    assert f"MiB, and {most} are the most" in told


def test_what_is_found_once_is_no_leak() -> None:
    """Pages, and the mark that the largest answers leave, come in the first two minutes."""
    assert faults_of(lives(samples(lambda age: min(40 + age, 140), seconds=900))) == []


def test_a_process_that_leaks_descriptors_is_told() -> None:
    """One descriptor more every two seconds is found."""
    (told,) = faults_of(lives(samples(lambda _: 80, lambda age: 40 + int(age / 2))))
    assert "grew by 23 descriptors" in told


@pytest.mark.parametrize(("mebibytes", "files"), [(MOST_MIB + 1, 40), (80.0, MOST_FILES + 1)])
def test_too_much_is_told_of_the_shortest_life(mebibytes: float, files: int) -> None:
    """A single sample above the bound is found."""
    assert len(faults_of(lives(samples(lambda _: mebibytes, lambda _: files, seconds=1)))) == 1


def test_a_short_life_is_not_judged_by_its_growth() -> None:
    """A process that was ended soon was still loading."""
    (life,) = lives(samples(lambda age: 40 + age, seconds=int(LONG_LIVED_S) - 1))
    assert life.first is None
    assert faults_of([life]) == []


def test_processes_are_told_apart() -> None:
    """Two lives, in the order in which they began."""
    first = Sample(1.0, "A worker", 7, 40.0, 10, 5)
    second = Sample(2.0, "A worker", 8, 40.0, 10, 5)
    assert [life.pid for life in lives([first, second, first])] == [7, 8]


def test_what_is_held_over_time_is_added_up_by_role() -> None:
    """While a worker is replaced there are two; a role that has no process then is left out."""
    taken = [Sample(float(at), "worker", 7, 40.0, 10, 5) for at in range(10)]
    taken += [Sample(5.0, "worker", 8, 50.0, 20, 6), Sample(9.0, "main", 6, 30.0, 9, 1)]
    told = list(over_time(taken, parts=2))
    assert told == [
        (0.0, "worker", 40.0, 10, 5),
        (4.0, "worker", 40.0, 10, 5),
        (9.0, "main", 30.0, 9, 1),
        (9.0, "worker", 40.0, 10, 5),
    ]
    assert (5.0, "worker", 90.0, 30, 11) in list(over_time(taken, parts=9))


def test_samples_are_of_real_processes() -> None:
    """This one holds something; one that has ended holds nothing."""
    here = sample(5.0, "here", os.getpid())
    assert here is not None
    assert (here.at, here.role, here.pid) == (5.0, "here", os.getpid())
    assert here.mebibytes > 10
    assert here.files > 2
    assert here.threads > 0
    gone = os.posix_spawn("/bin/true", ["true"], {})
    os.waitpid(gone, 0)
    assert sample(5.0, "gone", gone) is None


def test_the_sampler_takes_samples_until_its_end() -> None:
    """Processes that are gone are left out."""
    with Sampler(lambda: [("here", os.getpid()), ("gone", 2**22 + 1)], every_s=0.01) as sampler:
        wait_until(lambda: len(sampler.samples) > 2)
    taken = len(sampler.samples)
    assert {one.role for one in sampler.samples} == {"here"}
    assert len(sampler.samples) == taken
