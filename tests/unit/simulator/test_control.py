"""The control endpoints."""

import json
from collections.abc import Callable
from http.client import HTTPResponse

import pytest

from gateway.simulator.fault_kinds import FAULT_KINDS
from gateway.simulator.faults import Fault
from gateway.simulator.server import SimulatorServer

Ask = Callable[..., tuple[HTTPResponse, bytes]]
Control = Callable[..., tuple[int, bytes]]


def test_calls_are_shown_and_reset(ask: Ask, control: Control) -> None:
    """The counts tell calls by outcome, VDN and canonical query; looking at them is no call."""
    ask("status=0&curPage=1&deviceType=0&rowsPerPage=10")
    ask("curPage=1&status=0&deviceType=0&rowsPerPage=10")
    ask(vdn=2, key=2)
    ask(headers={"Authorization": None})
    status, body = control("GET", "/calls")
    assert status == 200
    counts = json.loads(body)
    assert (counts["total"], counts["refused"], counts["by_vdn"]) == (4, 1, {"1": 2, "2": 1})
    assert counts["by_query"] == {"curPage=1&deviceType=0&rowsPerPage=10&status=0": 3}
    assert (counts["in_flight"], counts["max_in_flight"]) == (0, 1)
    assert control("DELETE", "/calls") == (204, b"")
    assert json.loads(control("GET", "/calls")[1])["total"] == 0


def test_fault_is_armed_shown_and_cleared(control: Control, simulator: SimulatorServer) -> None:
    """A fault that is put is armed with all its fields; deleting clears it."""
    fields = {
        "kind": "http-status",
        "times": 3,
        "seconds": 0.5,
        "status": 503,
        "result_code": "0200006",
        "retry_after": "7",
        "location": "/x",
        "latency_s": 0.25,
    }
    assert control("PUT", "/faults", fields) == (204, b"")
    assert simulator.faults.armed == Fault("http-status", 3, 0.5, 503, "0200006", "7", "/x", 0.25)
    assert json.loads(control("GET", "/faults")[1])["armed"] == fields
    assert control("DELETE", "/faults") == (204, b"")
    shown = json.loads(control("GET", "/faults")[1])
    assert shown["armed"] is None
    assert shown["kinds"].keys() == FAULT_KINDS.keys()


def test_latency_is_set(control: Control, simulator: SimulatorServer) -> None:
    """The latency that is put is the one of the answers from then on."""
    assert control("PUT", "/latency", {"seconds": 0.05})[0] == 204
    assert simulator.latency_s == 0.05


def test_the_clock_is_put_wrong(control: Control, ask: Ask) -> None:
    """Signatures are checked and `Date` is made by the clock as it is put, up to 15 minutes from the signed time."""
    for seconds, status, date in (
        (899, 200, "Sun, 01 Mar 2026 12:14:59 GMT"),
        (-901, 401, "Sun, 01 Mar 2026 11:44:59 GMT"),
        (0, 200, "Sun, 01 Mar 2026 12:00:00 GMT"),
    ):
        assert control("PUT", "/clock", {"seconds": seconds})[0] == 204
        response, _ = ask()
        assert (response.status, response.headers["Date"]) == (status, date)


def test_keys_are_revoked_and_given_back(control: Control, ask: Ask) -> None:
    """A revoked access key is as unknown as any other until the list is put anew."""
    assert control("PUT", "/revoked-keys", {"access_keys": ["ak-2"]})[0] == 204
    assert (ask()[0].status, ask(vdn=2, key=2)[0].status) == (200, 401)
    assert control("PUT", "/revoked-keys", {"access_keys": []})[0] == 204
    assert ask(vdn=2, key=2)[0].status == 200


@pytest.mark.parametrize(
    ("path", "body", "text"),
    [
        ("/faults", b"", "not JSON"),
        ("/faults", b"[" * 100_000, "not JSON"),
        ("/faults", b"\xff", "not JSON"),
        ("/faults", [], "JSON object"),
        ("/faults", {}, "'kind'"),
        ("/faults", {"kind": "nonsense"}, "kind is 'nonsense'; give one of"),
        ("/faults", {"kind": 1}, "kind is 1; give str"),
        ("/faults", {"kind": "html", "time": 1}, "'time' is unknown; give any of kind, times"),
        ("/faults", {"kind": "html", "times": True}, "times is True; give int or null"),
        ("/faults", {"kind": "html", "times": 0}, "times is 0"),
        ("/faults", b'{"kind": "html", "seconds": NaN}', "seconds is nan"),
        ("/latency", {"seconds": -1}, "seconds is -1"),
        ("/latency", {"seconds": None}, "seconds is None; give int or float"),
        ("/latency", {}, "'seconds'"),
        ("/clock", b'{"seconds": NaN}', "seconds is nan"),
        ("/clock", {"seconds": 1e9}, "seconds is 1000000000.0; give up to"),
        ("/revoked-keys", {"access_keys": "ak-1"}, "access_keys is 'ak-1'; give list"),
        ("/revoked-keys", {"access_keys": [1]}, "access_keys must be a list of texts"),
    ],
)
def test_bad_body_is_400(control: Control, simulator: SimulatorServer, path: str, body: object, text: str) -> None:
    """A body that cannot be meant is answered 400 with a text that says why, and changes nothing."""
    status, answer = control("PUT", path, body)
    assert status == 400
    assert text in answer.decode()
    assert simulator.faults.armed is None
    assert (simulator.latency_s, simulator.clock_ahead_s, simulator.revoked) == (0, 0, frozenset())
