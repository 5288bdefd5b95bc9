"""A mail server for tests: takes mail over a real socket and can be told to refuse, to hang up, or to be away."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass
class Sink:
    """What arrived, and how to behave."""

    port: int = 0
    messages: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    refuse: set[str] = field(default_factory=set)
    goodbye: bytes = b"221 bye"
    hang_up_at: bytes | None = None
    taking: threading.Event | None = None
    """When set, DATA is answered only after it."""
    reached_data: threading.Event = field(default_factory=threading.Event)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One conversation, in the words of RFC 5321."""
        try:
            writer.write(b"220 sink\r\n")
            recipient = ""
            while line := (await reader.readline()).strip():
                verb = line[:4].upper()
                if verb == self.hang_up_at:
                    return
                if verb == b"EHLO":
                    writer.write(b"250-sink\r\n250 8BITMIME\r\n")
                elif verb == b"RCPT":
                    recipient = line.split(b"<")[1].split(b">")[0].decode()
                    writer.write(b"550 nobody here\r\n" if recipient in self.refuse else b"250 ok\r\n")
                elif verb == b"DATA":
                    self.reached_data.set()
                    if self.taking is not None:
                        await asyncio.to_thread(self.taking.wait, 20)
                    writer.write(b"354 go on\r\n")
                    content = b""
                    while (part := await reader.readline()) not in (b".\r\n", b""):
                        content += part.removeprefix(b".") if part.startswith(b"..") else part
                    found = message_from_bytes(content, policy=policy.default)
                    assert isinstance(found, EmailMessage)
                    self.messages.append(found)
                    self.recipients.append(recipient)
                    writer.write(b"250 taken\r\n")
                elif verb == b"QUIT":
                    writer.write(self.goodbye + b"\r\n")
                    return
                else:
                    writer.write(b"250 ok\r\n")
        except ConnectionError:
            pass
        finally:
            writer.close()


@contextmanager
def sink() -> Iterator[Sink]:
    """A running sink; when the block ends it is away, and its port refuses."""
    found = Sink()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()  # all of it there: a browser's test has a loop of its own in this one
    start = asyncio.start_server(found.talk, "127.0.0.1", 0)
    server = asyncio.run_coroutine_threadsafe(start, loop).result(10)
    found.port = server.sockets[0].getsockname()[1]

    async def close() -> None:
        server.close()
        await server.wait_closed()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        await asyncio.gather(*others, return_exceptions=True)
        await loop.shutdown_default_executor()

    try:
        yield found
    finally:
        asyncio.run_coroutine_threadsafe(close(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
