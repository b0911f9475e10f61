from structlog.testing import capture_logs

from gateway.isales.drift import SAID_AT_MOST, Drift, DriftKind, DriftLog, shape
from gateway.telemetry.upstream_numbers import UpstreamNumbers
from tests.unit.isales.vendor import counted

CODE = Drift.seen(DriftKind.UNKNOWN_CODE, "status", 77)


def test_counts_always_and_says_once() -> None:
    """The same departure is counted each time and logged the first time."""
    numbers = UpstreamNumbers()
    log = DriftLog(numbers)
    with capture_logs() as lines:
        log.record(1, [CODE, CODE])
        log.record(2, [CODE])
    assert counted(numbers, "upstream_drift") == {"unknown_code": 3}
    assert lines == [
        {
            "event": "upstream_drift",
            "log_level": "warning",
            "kind": "unknown_code",
            "field": "status",
            "sample": "77",
            "vdn": 1,
        }
    ]


def test_each_kind_and_field_is_said() -> None:
    """Another kind or another field is news."""
    with capture_logs() as lines:
        DriftLog(UpstreamNumbers()).record(
            1,
            [CODE, Drift.seen(DriftKind.ODD_TYPE, "status", []), Drift.seen(DriftKind.UNKNOWN_CODE, "deviceType", 9)],
        )
    assert len(lines) == 3


def test_made_up_fields_do_not_fill_the_log() -> None:
    """However many fields are new, only so many are logged, and all are counted."""
    numbers = UpstreamNumbers()
    with capture_logs() as lines:
        DriftLog(numbers).record(1, [Drift.seen(DriftKind.UNKNOWN_FIELD, f"f{n}", 1) for n in range(1000)])
    assert len(lines) == SAID_AT_MOST
    assert counted(numbers, "upstream_drift") == {"unknown_field": 1000}


def test_names_of_fields_are_safe_to_log() -> None:
    """The name of a field is cut and has no control characters."""
    assert Drift.seen(DriftKind.UNKNOWN_FIELD, "a\nb" + "x" * 100, None).field == "a b" + "x" * 37


def test_shapes() -> None:
    """A value's shape tells its type, in the words of JSON, and form, and nothing else."""
    values: list[object] = [7, 13800000000, True, None, "Li 李 138", 1.5, [], {}]
    shapes = ["number", "number", "boolean", "null", "aa a 999", "number", "array", "object"]
    assert [shape(value) for value in values] == shapes


def test_numbers_of_people_are_not_said() -> None:
    """A number is shown only where a code should be and it is a small one; one that stands for a name is hidden."""
    assert Drift.seen(DriftKind.UNKNOWN_CODE, "status", 77).sample == "77"
    assert Drift.seen(DriftKind.UNKNOWN_CODE, "status", 13800000000).sample == "number"
    assert Drift.seen(DriftKind.ODD_TYPE, "callerNo", 110).sample == "number"
    assert Drift.seen(DriftKind.UNKNOWN_FIELD, "a1 13800000000", None).field == "a1 99999999999"
