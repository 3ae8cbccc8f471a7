# SPDX-License-Identifier: MIT
"""An asyncio server on uvloop that echoes. A connection whose first byte is 'k' is kept when the
peer has ended: its protocol asks for a half-open one and forgets it.

Exits with 77 if there is no uvloop here."""
import asyncio
import sys

try:
    import uvloop
except ImportError as error:
    print(error, file=sys.stderr)
    sys.exit(77)


class Echo(asyncio.Protocol):
    kept = None
    transport = None

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        if self.kept is None:
            self.kept = data[:1] == b"k"
        self.transport.write(data)

    def eof_received(self):
        return self.kept  # true: the transport stays open


async def serve():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Echo, "127.0.0.1", 0, backlog=256)
    print("listening on 127.0.0.1:%d" % server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


uvloop.install()
asyncio.run(serve())
