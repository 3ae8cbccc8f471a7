# SPDX-License-Identifier: MIT
# asyncio_leak.py repaired: whatever ends serve() forgets the client and closes the connection.
# The report must say nothing.
# Python 3. Usage: asyncio_fixed.py [PORT]
import asyncio
import sys

clients = set()


async def serve(reader, writer):
    clients.add(writer)
    try:
        writer.write(b"welcome\n")
        while True:
            line = await reader.readline()
            if not line:
                return
            writer.write(line)
    finally:
        clients.remove(writer)
        writer.close()


async def main(port):
    server = await asyncio.start_server(serve, "127.0.0.1", port)
    print("listening on %s:%d" % server.sockets[0].getsockname())
    sys.stdout.flush()
    await asyncio.get_event_loop().create_future()


loop = asyncio.new_event_loop()
loop.run_until_complete(main(int(sys.argv[1]) if len(sys.argv) > 1 else 65432))
