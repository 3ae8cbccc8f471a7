# SPDX-License-Identifier: MIT
"""asyncio's streams: sends back each message of 64 bytes; prints its port."""
import asyncio


async def echo(reader, writer):
    try:
        while True:
            writer.write(await reader.readexactly(64))
            await writer.drain()
    except asyncio.IncompleteReadError:
        writer.close()


async def main():
    server = await asyncio.start_server(echo, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
