"""A CC-iSales that is fast because it checks nothing: `python -m tests.benchmarks.stub_upstream PORT [LATENCY]`.

Each answer comes after LATENCY seconds, at once where it is left out, however many are under way.
Each page has ten rows, of which the first is named as the query's `name`, so that different queries have different
pages; for the name `version` it is `v` and the number of the call, so that each answer is another page.
`/simulator/calls` tells the number of calls, as the simulator's does.
"""

import asyncio
import json
import re
import sys

NAME = re.compile(rb"[?&]name=([^& ]*)")
NAME_HERE = "NAME-HERE"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json;charset=UTF-8\r\nContent-Length: %d\r\n\r\n%b"


def _envelope() -> bytes:
    rows = [
        {
            "id": 100_000 + number,
            "name": f"Spring sale 2026 {number}" if number else NAME_HERE,
            "status": 2 + number % 3,
            "strBeginTime": f"2026-03-{number + 1:02d} 08:00:00",
            "strEndTime": f"2026-04-{number + 1:02d} 17:30:00",
            "deviceType": (1, 2, 3, 5, 6)[number % 5],
            "callerNo": f"0001{number:04d}",
        }
        for number in range(10)
    ]
    code = {"resultCode": "0200000", "resultDesc": "", "returnCode": "0200000", "returnDesc": ""}
    # Without its number and size, which would have to be those that were asked for.
    counts = {"totalSize": 10, "curSkillQueueCount": 6, "curIvrCount": 4}
    return json.dumps({**code, **counts, "data": rows}, separators=(",", ":")).encode()


class Stub(asyncio.Protocol):
    """One connection. Requests are GETs, so their end is the first empty line."""

    before_name, after_name = _envelope().split(NAME_HERE.encode())
    calls = 0
    latency_s = 0.0

    def __init__(self) -> None:
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep `transport` to write to."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each request that is whole."""
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            target = self._received[: self._received.index(b"\r\n")]
            self._received = self._received[end + 4 :]
            body = self._body(target)
            answer = HEAD % (len(body), body)
            if Stub.latency_s and not body.startswith(b'{"total"'):
                asyncio.get_running_loop().call_later(Stub.latency_s, self._transport.write, answer)
            else:
                self._transport.write(answer)

    def _body(self, target: bytes) -> bytes:
        if b" /simulator/calls " in target:
            return json.dumps({"total": Stub.calls}).encode()
        Stub.calls += 1
        name = NAME.search(target)
        shown = name[1] if name else b""
        return self.before_name + (b"v%d" % Stub.calls if shown == b"version" else shown) + self.after_name


async def serve(port: int, latency_s: float = 0.0) -> None:
    """Serve on `port` of the loopback interface until the process is ended."""
    Stub.latency_s = latency_s
    server = await asyncio.get_running_loop().create_server(Stub, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float("".join(sys.argv[2:3]) or 0)))
