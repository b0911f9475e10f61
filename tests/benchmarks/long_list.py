"""A CC-iSales with a list of 100,000 campaigns, each answer after 50 ms: `python -m tests.benchmarks.long_list PORT`.

It checks nothing and makes each row once, so that what is measured is the gateway. Pages are as CC-iSales cuts them.
"""

import asyncio
import json
import re
import sys

CAMPAIGNS = 100_000
LATENCY_S = 0.05
ASKED = re.compile(rb"[?&](curPage|rowsPerPage|name)=([^& ]*)")
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json;charset=UTF-8\r\nContent-Length: %d\r\n\r\n%b"
ROWS = [
    json.dumps(
        {
            "id": number,
            "name": f"Spring sale 2026 {number}",
            "status": 2 + number % 3,
            "strBeginTime": f"2026-03-{number % 28 + 1:02d} 08:00:00",
            "strEndTime": f"2026-04-{number % 28 + 1:02d} 17:30:00",
            "deviceType": (1, 2, 3, 5, 6)[number % 5],
            "callerNo": f"{number:08d}",
        },
        separators=(",", ":"),
    ).encode()
    for number in range(CAMPAIGNS, 0, -1)
]


class LongList(asyncio.Protocol):
    """One connection. Requests are GETs, so their end is the first empty line."""

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
            asked = dict(ASKED.findall(self._received[: self._received.index(b"\r\n")]))
            self._received = self._received[end + 4 :]
            page, size = int(asked[b"curPage"]), int(asked[b"rowsPerPage"])
            rows = ROWS[(page - 1) * size : page * size]
            body = (
                b'{"resultCode":"0200000","resultDesc":"","returnCode":"0200000","returnDesc":"","curPage":%d,'
                b'"totalSize":%d,"rowsPerPage":%d,"data":[%b],"curSkillQueueCount":0,"curIvrCount":0}'
                % (page, CAMPAIGNS, size, b",".join(rows))
            )
            asyncio.get_running_loop().call_later(LATENCY_S, self._transport.write, HEAD % (len(body), body))


async def serve(port: int) -> None:
    """Serve on `port` of the loopback interface until the process is ended."""
    server = await asyncio.get_running_loop().create_server(LongList, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
