import NIOCore
import NIOHTTP1
import Testing
import WebSocketTransport

private let agreed = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

/// What a client offers, a header line each, and the header that answers it.
private struct Negotiation: Sendable, CustomTestStringConvertible {
    var offers: [String]
    var answer: String?

    init(_ offers: String..., answer: String?) {
        self.offers = offers
        self.answer = answer
    }

    var testDescription: String { offers.joined(separator: " | ") }
}

private let accepted: [Negotiation] = [
    Negotiation("permessage-deflate", answer: agreed),
    Negotiation("permessage-deflate; client_max_window_bits", answer: agreed),
    Negotiation("permessage-deflate;client_max_window_bits=8", answer: agreed),
    Negotiation("permessage-deflate; client_max_window_bits=\"15\"", answer: agreed),
    Negotiation("permessage-deflate; client_max_window_bits = \"\\1\\0\"", answer: agreed),
    Negotiation("permessage-deflate; server_no_context_takeover; client_no_context_takeover", answer: agreed),
    Negotiation("permessage-deflate; server_max_window_bits=15", answer: agreed + "; server_max_window_bits=15"),
    Negotiation(
        "permessage-deflate; server_max_window_bits=10, permessage-deflate; client_max_window_bits", answer: agreed),
    Negotiation("permessage-deflate; server_max_window_bits=8", "permessage-deflate", answer: agreed),
    Negotiation("x-webkit-deflate-frame, permessage-deflate", answer: agreed),
    Negotiation("other; a=b; c=\"d\"; e , ,\tpermessage-deflate", answer: agreed),
    Negotiation("permessage-deflate; unknown, permessage-deflate", answer: agreed),
    Negotiation(", permessage-deflate ,", answer: agreed),
]

private let declined: [Negotiation] = [
    Negotiation("permessage-deflate; server_max_window_bits=14", answer: nil),
    Negotiation("permessage-deflate; server_max_window_bits", answer: nil),
    Negotiation("permessage-deflate; server_max_window_bits=7", answer: nil),
    Negotiation("permessage-deflate; server_max_window_bits=16", answer: nil),
    Negotiation("permessage-deflate; server_max_window_bits=015", answer: nil),
    Negotiation("permessage-deflate; server_max_window_bits=+15", answer: nil),
    Negotiation("permessage-deflate; client_max_window_bits=7", answer: nil),
    Negotiation("permessage-deflate; client_max_window_bits=16", answer: nil),
    Negotiation("permessage-deflate; client_max_window_bits=08", answer: nil),
    Negotiation("permessage-deflate; client_max_window_bits=x", answer: nil),
    Negotiation("permessage-deflate; client_max_window_bits=99999999999999999999", answer: nil),
    Negotiation("permessage-deflate; server_no_context_takeover=1", answer: nil),
    Negotiation("permessage-deflate; client_no_context_takeover=\"x\"", answer: nil),
    Negotiation("permessage-deflate; client_no_context_takeover; client_no_context_takeover", answer: nil),
    Negotiation("permessage-deflate; client_max_window_bits; client_max_window_bits=15", answer: nil),
    Negotiation("permessage-deflate; unknown", answer: nil),
    Negotiation("permessage-bzip2", answer: nil),
    Negotiation("permessage-deflate2", answer: nil),
    Negotiation("", answer: nil),
    Negotiation(" \t, ,", answer: nil),
]

@Suite struct DeflateNegotiationTests {
    @Test("agrees to the first offer that fits, and to none that does not", arguments: accepted + declined)
    private func negotiates(_ negotiation: Negotiation) throws {
        let handshake = try WebSocketHandshake.accept(request(negotiation.offers), compression: true)
        #expect((handshake.compression != nil) == (negotiation.answer != nil))
        let lines = String(buffer: handshake.response()).split(separator: "\r\n")
        let answers = lines.filter { $0.hasPrefix("Sec-WebSocket-Extensions: ") }.map { $0.dropFirst(26) }
        #expect(answers == [negotiation.answer].compactMap { $0?[...] })
    }

    @Test(
        "refuses a header that is none",
        arguments: [
            "permessage deflate", "permessage-deflate;", "permessage-deflate; =", "permessage-deflate; a=",
            "permessage-deflate; a=\"", "permessage-deflate; a=\"\"", "permessage-deflate; a=\"b c\"",
            "permessage-deflate; a=\"b\\", "permessage-deflate; a=b=c", "permessage-deflate; ;", ";", "é",
            "permessage-deflate, (", "permessage-deflate; a=\"b\"c",
        ])
    func refuses(_ value: String) throws {
        for offers in [[value], ["permessage-deflate", value]] {
            #expect {
                try WebSocketHandshake.accept(request(offers), compression: true)
            } throws: { error in
                (error as? WebSocketHandshakeError)?.status == 400
            }
        }
        #expect(try WebSocketHandshake.accept(request([value])).compression == nil, "what is not offered is not read")
    }

    @Test("is not offered where compression is off", arguments: accepted)
    private func isOff(_ negotiation: Negotiation) throws {
        let handshake = try WebSocketHandshake.accept(request(negotiation.offers))
        #expect(handshake.compression == nil)
        #expect(!String(buffer: handshake.response()).contains("Extensions"))
    }

    @Test("needs an offer") func needsOffer() throws {
        #expect(try WebSocketHandshake.accept(request([]), compression: true).compression == nil)
    }

    private func request(_ offers: [String]) -> HTTPRequestHead {
        var headers = HTTPHeaders([
            ("Host", "example.com"), ("Upgrade", "websocket"), ("Connection", "Upgrade"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), ("Sec-WebSocket-Version", "13"),
        ])
        for offer in offers { headers.add(name: "Sec-WebSocket-Extensions", value: offer) }
        return HTTPRequestHead(version: .http1_1, method: .GET, uri: "/ws", headers: headers)
    }
}
