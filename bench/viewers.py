"""Viewers without a browser: they open the page's document as one does, and then watch it play."""

import asyncio
import json
import re
import time
from threading import Thread
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

LARGEST = 200 * 2**20  # bytes of one message


class Crowd:
    """Viewers of one page, in an event loop of their own; a context that ends with their leaving.

    Args:
        address: of the server.
        page: that they open.
    """

    def __init__(self, address: str, page: str) -> None:
        self.address, self.page = address, page
        self.messages = 0  # that came to all of them since they opened the page
        self._sockets: list[WebSocketClientConnection] = []
        self._listening: list[asyncio.Task[None]] = []
        self._loop = asyncio.new_event_loop()

    def __enter__(self) -> "Crowd":
        Thread(target=self._loop.run_forever, daemon=True).start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._do(self._leave())
        self._loop.call_soon_threadsafe(self._loop.stop)

    def __len__(self) -> int:
        return len(self._sockets)

    def grow(self, size: int, deadline: float) -> None:
        """Let viewers come, one after another, to `size`, or to as many as come in time."""
        while len(self) < size and time.monotonic() < deadline:
            self._do(self._come())

    def _do(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=60)

    async def _come(self) -> None:
        token = await self._token()
        address = f"{self.address.replace('http', 'ws', 1)}/{self.page}/ws"
        request = HTTPRequest(address, headers={"Origin": self.address})
        socket = await websocket_connect(
            request, subprotocols=["bokeh", token], max_message_size=LARGEST
        )
        await _message(socket, "ACK")
        for part in ({"msgid": "1", "msgtype": "PULL-DOC-REQ"}, {}, {}):
            await socket.write_message(json.dumps(part))
        await _message(socket, "PULL-DOC-REPLY")
        self._sockets.append(socket)
        self._listening.append(asyncio.create_task(self._listen(socket)))

    async def _token(self) -> str:
        answer = await AsyncHTTPClient().fetch(f"{self.address}/{self.page}", request_timeout=60)
        found = re.search(r'"token":\s*"([^"]+)"', answer.body.decode())
        if found is None:
            raise ValueError(f"the page {self.page} names no session")
        return found[1]

    async def _listen(self, socket: WebSocketClientConnection) -> None:
        while await socket.read_message() is not None:
            self.messages += 1

    async def _leave(self) -> None:
        for socket in self._sockets:
            socket.close()
        await asyncio.gather(*self._listening)


async def _message(socket: WebSocketClientConnection, kind: str) -> None:
    """Read one whole message: header, metadata, content, and two parts for each buffer."""
    header = json.loads(await socket.read_message() or "{}")
    if header.get("msgtype") != kind:
        raise ValueError(f"got the message {header.get('msgtype')}, expected {kind}")
    for _ in range(2 + 2 * header.get("num_buffers", 0)):
        await socket.read_message()
