"""How the calls of the simulator are counted."""

from tests.soak.stack import CallLog


def test_calls_are_counted_by_how_they_ended() -> None:
    """An answer that comes late is a good one; of what failed it is kept why."""
    log = CallLog()
    for outcome in (
        "0200000",
        "fault latency",
        "fault hang",
        "fault hang",
        "401 the access key is unknown",
        "02000003",
    ):
        log(f"GET /rest/isales/v1/openapi/campaigns/1?curPage=1 {outcome}")
    assert log.upstream.good == 2
    assert log.upstream.failed == {"hang": 2, "401": 1, "02000003": 1}
    assert log.upstream.total == 6
    (refused_at,) = log.refusals["/rest/isales/v1/openapi/campaigns/1"]
    assert refused_at > 0
