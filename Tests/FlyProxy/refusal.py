"""What the proxy answers itself."""

from edge import VIA
from heads import Headers, ResponseHead
from wire import Wire


class Refusal(Exception):
    """A request ends with this status."""

    def __init__(self, status: int, reason: str):
        super().__init__(reason)
        self.status = status


async def refuse(client: Wire, request_id: str, status: int, reason: str) -> None:
    """The proxy's own answer, after which the connection is closed."""
    text = f"{reason}\n".encode()
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(text))), ("Connection", "close")]
    head = ResponseHead(1, status, "Refused by the proxy", Headers([*headers, ("Via", VIA), ("Fly-Request-Id", request_id)]))
    try:
        await client.write(head.encoded() + text)
    except ConnectionError:
        return
    await client.close_after_refusal()
