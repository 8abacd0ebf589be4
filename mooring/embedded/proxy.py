"""A proxy on loopback for clients that ignore ``AWS_ENDPOINT_URL``: it leads AWS's hosts to the embedded AWS.

A client asks it with ``CONNECT sqs.eu-west-1.amazonaws.com:443`` for a tunnel, and the tunnel ends at the server, whose
certificate has AWS's names. The client's bytes pass unchanged, so a request's signature over its Host header holds. The
proxy opens no connection to any other machine: it refuses every other host by its name.
"""

import asyncio
import contextlib
import socket
import threading

from mooring.embedded.certificates import serves

_MAX_HEAD = 65_536
_CHUNK = 65_536


def start(*, port: int, server_port: int) -> None:
    """Listen on the loopback ``port`` in a thread of its own, until the process ends.

    Raises
    ------
    OSError
        The port is taken.
    """
    listening = socket.create_server(("127.0.0.1", port))
    threading.Thread(target=lambda: asyncio.run(_serve(listening, server_port)), name="proxy", daemon=True).start()


async def _serve(listening: socket.socket, server_port: int) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            await _tunnel(reader, writer, server_port)
        writer.close()

    async with await asyncio.start_server(handle, sock=listening, limit=_MAX_HEAD) as server:
        await server.serve_forever()


async def _tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, server_port: int) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    method, _, rest = head.partition(b"\r\n")[0].decode("latin-1").partition(" ")
    target = rest.partition(" ")[0]
    if reason := refusal(method, target):
        writer.write(
            f"HTTP/1.1 403 {reason}\r\nContent-Type: text/plain\r\nContent-Length: {len(reason) + 1}\r\n"
            f"Connection: close\r\n\r\n{reason}\n".encode("latin-1", "replace")
        )
        await writer.drain()
        return
    server_reader, server_writer = await asyncio.open_connection("127.0.0.1", server_port)
    writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
    await asyncio.gather(_copy(reader, server_writer), _copy(server_reader, writer))


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while chunk := await source.read(_CHUNK):
            sink.write(chunk)
            await sink.drain()
    finally:
        sink.close()


def refusal(method: str, target: str) -> str:
    """Return why the proxy refuses a request, or an empty string; ``target`` is ``host:port`` or a URL."""
    if method != "CONNECT":
        return f"the embedded AWS's proxy forwards HTTPS only, not {method} {target}"
    host, _, port = target.rpartition(":")
    if port != "443" or not serves(host):
        return f"the embedded AWS does not serve {target}, and its proxy leads nowhere else"
    return ""
