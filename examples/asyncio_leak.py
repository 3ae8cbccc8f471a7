# SPDX-License-Identifier: MIT
# An asyncio server that knows who is there. At the end of a client its coroutine returns: that closes
# nothing, and `clients` keeps the writer, and that the connection.
# The report must say: one leak for each client that left, eof-ignored; asyncio itself reads the EOF,
# but the first write is serve()'s below.
# Python 3. Usage: asyncio_leak.py [PORT]
import asyncio
import sys

clients = set()


async def serve(reader, writer):
    clients.add(writer)
    writer.write(b"welcome\n")  # the first write
    while True:
        line = await reader.readline()
        if not line:
            return  # neither clients.remove() nor writer.close()
        writer.write(line)


async def main(port):
    server = await asyncio.start_server(serve, "127.0.0.1", port)
    print("listening on %s:%d" % server.sockets[0].getsockname())
    sys.stdout.flush()
    await asyncio.get_event_loop().create_future()


loop = asyncio.new_event_loop()
loop.run_until_complete(main(int(sys.argv[1]) if len(sys.argv) > 1 else 65432))
