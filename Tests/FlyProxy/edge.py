"""What the edge says of a request to the backends, whatever the client said under these names."""

from dataclasses import dataclass

from heads import RequestHead

VIA = "1.1 fly.io"

# A client that could send these would speak with the proxy's voice.
_PROXY_ONLY = {
    "fly-client-ip",
    "fly-region",
    "fly-forwarded-port",
    "fly-request-id",
    "fly-replay-src",
    "fly-replay-failed",
    "fly-preferred-instance-unavailable",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-port",
    "x-forwarded-ssl",
    "via",
    # The proxy has read the body by then, so it has said Continue itself.
    "expect",
}


@dataclass(frozen=True)
class Edge:
    proto: str
    port: int

    def request(self, head: RequestHead, request_id: str, peer: str, region: str) -> RequestHead:
        """The head as every backend gets it, before what a replay adds."""
        connection = [("Connection", "close")]
        if head.upgrade is not None:
            connection = [("Connection", "Upgrade"), ("Upgrade", head.upgrade)]
        headers = head.headers.end_to_end().without(_PROXY_ONLY).adding(
            [
                *connection,
                ("Fly-Client-IP", peer),
                ("Fly-Region", region),
                ("Fly-Forwarded-Port", str(self.port)),
                ("Fly-Request-Id", request_id),
                ("X-Forwarded-For", peer),
                ("X-Forwarded-Proto", self.proto),
                ("X-Forwarded-Port", str(self.port)),
                ("X-Forwarded-SSL", "on" if self.proto == "https" else "off"),
                ("Via", VIA),
            ]
        )
        return RequestHead(head.method, head.target, head.minor, headers)
