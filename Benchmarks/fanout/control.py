"""The control of the load tool: a relay that loses one alert, repeats one and swaps two, on purpose.

A tool that does not report exactly that proves nothing with its zeros.
"""

import asyncio
import base64
import hashlib
import json
import re
import subprocess
import threading

from programs import LOAD

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
LOST, REPEATED, SWAPPED = 5, 7, 9
EXPECTED = {"lost": 1, "duplicated": 1, "reordered": 1, "closed": 0}


class FaultyRelay:
    def __init__(self):
        self.readers = []
        self.held = b""

    async def connected(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        key = re.search(rb"Sec-WebSocket-Key: (\S+)", head).group(1)
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
            + accept
            + b"\r\n\r\n"
        )
        if head.startswith(b"GET /read "):
            self.readers.append(writer)
            return
        while True:
            # The tool's frames: a text of less than 126 bytes, masked.
            start = await reader.readexactly(6)
            masked = await reader.readexactly(start[1] & 127)
            self.relay(bytes(byte ^ start[2 + index % 4] for index, byte in enumerate(masked)))

    def relay(self, text):
        number, frame = int(text[1:11]), bytes([0x81, len(text)]) + text
        for index, writer in enumerate(self.readers):
            match (index, number):
                case (0, n) if n == LOST:
                    pass
                case (1, n) if n == REPEATED:
                    writer.write(frame * 2)
                case (2, n) if n == SWAPPED:
                    self.held = frame
                case (2, n) if n == SWAPPED + 1:
                    writer.write(frame + self.held)
                case _:
                    writer.write(frame)


def check_load_tool():
    """Ends the process if the tool does not see what the relay does."""
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda loop, context: None)
    server = loop.run_until_complete(asyncio.start_server(FaultyRelay().connected, "127.0.0.1", 0))
    port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    words = [
        "--protocol",
        "relay",
        "--sockets",
        "5",
        "--payload",
        "20",
        "--rate",
        "200",
        "--seconds",
        "0.3",
        "--warm-up",
        "0",
    ]
    run = subprocess.run([LOAD, "--port", str(port), *words], capture_output=True, text=True, timeout=30, check=False)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    if run.returncode != 0:
        raise SystemExit(f"the load tool failed its control: {run.stderr}")
    found = {key: json.loads(run.stdout)[key] for key in EXPECTED}
    if found != EXPECTED:
        raise SystemExit(f"the load tool failed its control: it found {found}, not {EXPECTED}")
