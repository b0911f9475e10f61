"""Which time zone data counts, and the words for names that are none."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway.isales import times
from gateway.settings import changed_settings, load_settings
from gateway.settings.time_zones import (
    UNKNOWN,
    default_folders,
    fingerprint,
    newest_first,
    time_zone,
    time_zone_data,
    turned_sign,
)
from tests.support.time_zones import other_data, zone_folder
from tests.unit.settings.project import faults_of

PINNED = default_folders()[0]
MOMENT = datetime(2026, 12, 1, 12, tzinfo=UTC)


def edmonton(*folders: Path) -> timedelta | None:
    """Return how far the time of Edmonton is from UTC by these folders, by default those that count."""
    return MOMENT.astimezone(time_zone("America/Edmonton", folders or None)).utcoffset()


def test_the_pinned_release_is_one_that_knows_of_2026(root: Path) -> None:
    """A row of Edmonton in December 2026 is six hours behind UTC, whatever the system's data says."""
    settings = load_settings({"GATEWAY__TENANTS__0__TIME_ZONE": "America/Edmonton"}, root)
    begins_at = times.begin("2026-12-01 12:00:00", settings.tenants[7].time_zone)
    assert begins_at is not None
    assert begins_at.astimezone(UTC) == datetime(2026, 12, 1, 18, tzinfo=UTC)
    assert settings.time_zones == time_zone_data()
    assert settings.time_zones.release >= "2026f"


def test_the_newer_release_counts_wherever_it_is(tmp_path: Path) -> None:
    """The order of the folders decides nothing, but for equal releases, of which the first counts."""
    older = zone_folder(tmp_path / "older", "2025b", {"America/Edmonton": "Etc/GMT-1"})
    newer = zone_folder(tmp_path / "newer", "2027a", {"America/Edmonton": "Etc/GMT-2"})
    again = zone_folder(tmp_path / "again", "2027a", {"America/Edmonton": "Etc/GMT-3"})
    for folders in ((older, newer, again), (newer, again, older)):
        assert edmonton(*folders) == timedelta(hours=2)
        assert newest_first(folders)[0].release == "2027a"
    assert edmonton(PINNED, older) == edmonton(PINNED)
    assert edmonton(PINNED, tmp_path / "nowhere") == edmonton(PINNED)


@pytest.mark.parametrize("first_line", [None, "", "# no version\n"])
def test_data_that_does_not_tell_its_release_counts_for_less(tmp_path: Path, first_line: str | None) -> None:
    """Nobody knows how old it is; without any other it is taken."""
    folder = zone_folder(tmp_path, "", {"America/Edmonton": "Etc/GMT-1"})
    (folder / "tzdata.zi").unlink()
    if first_line is not None:
        (folder / "tzdata.zi").write_text(first_line)
    assert edmonton(folder, PINNED) == edmonton(PINNED)
    assert edmonton(folder) == timedelta(hours=1)
    assert newest_first([folder])[0].release == UNKNOWN


def test_a_zone_that_the_newest_lacks_is_taken_from_the_next(tmp_path: Path) -> None:
    """Some systems leave out old names."""
    newest = zone_folder(tmp_path, "2999a", {"UTC": "UTC"})
    assert time_zone("US/Pacific", [newest, PINNED]).key == "US/Pacific"


def test_a_zone_is_the_same_as_long_as_its_data_is(tmp_path: Path) -> None:
    """So that settings that did not change are equal after a reload, and those that did are not."""
    folder = zone_folder(tmp_path, "2026a", {"America/Edmonton": "Etc/GMT-1"})
    before = time_zone("America/Edmonton", [folder])
    assert time_zone("America/Edmonton", [folder]) is before
    shutil.copy(PINNED / "Etc/GMT-2", folder / "America/Edmonton")
    after = time_zone("America/Edmonton", [folder])
    assert after is not before
    assert fingerprint(after) != fingerprint(before)
    assert fingerprint(after) == fingerprint(ZoneInfo("Etc/GMT-2"))


def test_new_data_is_a_change_of_the_settings(root: Path, tmp_path: Path) -> None:
    """It is named as what it is, and so are the tenants whose zones are others now."""
    two = """[{vdn = 1, access_key = "a", secret_key = "b", time_zone = "America/Edmonton"},
              {vdn = 2, access_key = "a", secret_key = "b"}]"""
    before = load_settings({"GATEWAY__TENANTS": two}, root)
    with other_data(zone_folder(tmp_path / "zones", "2999a", {"America/Edmonton": "Etc/GMT-1"})):
        after = load_settings({"GATEWAY__TENANTS": two}, root)
    assert changed_settings(before, after) == ["tenants.1", "time_zones.release", "time_zones.folder"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("America/Edmenton", "America/Edmonton"),
        ("asia/shanghai", "Asia/Shanghai"),
        ("America/New York", "America/New_York"),
        ("Shanghai", "Asia/Shanghai"),
        ("China/Shanghai", "Asia/Shanghai"),
        ("Asia/Beijing", "Asia/Shanghai"),
        ("Europe/Berlln", "Europe/Berlin"),
        ("utc", "UTC"),
        ("UTC+8", "Etc/GMT-8"),
        ("GMT-05:00", "Etc/GMT+5"),
        ("+0800", "Etc/GMT-8"),
    ],
)
def test_a_nearly_right_name_gets_the_right_one(root: Path, written: str, meant: str) -> None:
    """Spelling, case, blanks, the city alone, and offsets, whose sign is the other way round in this database."""
    (fault,) = faults_of(root, GATEWAY__TENANTS__0__TIME_ZONE=written)
    assert f"such as UTC or Africa/Cairo; it is {written!r}; did you mean `{meant}`" in fault
    assert time_zone(meant).key == meant


@pytest.mark.parametrize(
    "written", ["Mars/Base", "CST", "localtime", "zone.tab", "../x", "/etc/localtime", "UTC+99", "", "zones/", "\0"]
)
def test_where_nothing_is_like_it_nothing_is_guessed(written: str) -> None:
    """A wrong guess would be worse than none."""
    with pytest.raises(LookupError, match=r"^$"):
        time_zone(written)


def test_without_a_list_of_names_there_is_no_guess(tmp_path: Path) -> None:
    """The source of the database is the list; not every system has it."""
    with pytest.raises(LookupError, match=r"^$"):
        time_zone("America/Edmenton", [tmp_path])
    assert newest_first([]) == []


def test_zones_whose_sign_is_turned_are_warned_of(root: Path) -> None:
    """The warning says by how much the zone differs, and which one was probably meant; of others nothing is said."""
    warned = 0
    for path in (PINNED / "Etc").iterdir():
        zone = f"Etc/{path.name}"
        if warning := turned_sign(zone):
            warned += 1
            hours = MOMENT.astimezone(ZoneInfo(zone)).utcoffset() / timedelta(hours=1)  # type: ignore[operator] # an aware moment has an offset
            assert f"{zone} is UTC{hours:+g}, " in warning
            meant = warning.partition(" write ")[2].partition(";")[0]
            assert MOMENT.astimezone(ZoneInfo(meant)).utcoffset() == timedelta(hours=-hours)
    assert warned == 24
    settings = load_settings({"GATEWAY__TENANTS__0__TIME_ZONE": "Etc/GMT+8"}, root)
    assert settings.warnings == (
        (
            "the time_zone of VDN 7: Etc/GMT+8 is UTC-8, for its sign is that of POSIX. Where UTC+8 is meant, write "
            "Etc/GMT-8; the zone of a city leaves no doubt"
        ),
    )
    assert load_settings({"GATEWAY__TENANTS__0__TIME_ZONE": "Asia/Shanghai"}, root).warnings == ()
