import NIOCore
import Testing
import WebSocketTransport

private let hello: [UInt8] = [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]
private let helloUncompressed: [UInt8] = [0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00]
private let helloAtTheEnd: [UInt8] = [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00]
private let helloInTwoBlocks: [UInt8] = [
    0xF2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xCA, 0xC9, 0xC9, 0x07, 0x00,
]

private func rule(
    _ name: String, _ bytes: [UInt8], events: [WebSocketFrameReader.Event] = [], failure: WebSocketCloseCode? = nil,
    limits: WebSocketLimits = WebSocketLimits()
) -> FrameRule {
    FrameRule(
        name: name, bytes: bytes, events: events, failure: failure, limits: limits, compression: PerMessageDeflate())
}

/// RFC 7692 section 7.2.3.
private let examples: [FrameRule] = [
    rule("one frame", frame(0xC1, hello), events: [.text(buffer("Hello"))]),
    rule(
        "two fragments", frame(0x41, [0xF2, 0x48, 0xCD]) + frame(0x80, [0xC9, 0xC9, 0x07, 0x00]),
        events: [.text(buffer("Hello"))]),
    rule(
        "the same again", frame(0xC1, hello) + frame(0xC1, hello),
        events: [.text(buffer("Hello")), .text(buffer("Hello"))]),
    rule(
        "what refers to the last message", frame(0xC1, hello) + frame(0xC1, [0xF2, 0x00, 0x11, 0x00, 0x00]),
        events: [.text(buffer("Hello"))], failure: .invalidPayload),
    rule("a block without compression", frame(0xC1, helloUncompressed), events: [.text(buffer("Hello"))]),
    rule("a final block", frame(0xC1, helloAtTheEnd), events: [.text(buffer("Hello"))]),
    rule("two blocks", frame(0xC1, helloInTwoBlocks), events: [.text(buffer("Hello"))]),
    rule("an empty message", frame(0xC1, [0x00]), events: [.text(buffer(""))]),
]

private let messages: [FrameRule] = [
    rule("binary", frame(0xC2, hello), events: [.binary(buffer("Hello"))]),
    rule(
        "not every message is compressed", frame(0x81, [0x61]) + frame(0xC1, hello) + frame(0x82, [1]),
        events: [.text(buffer("a")), .text(buffer("Hello")), .binary(ByteBuffer(bytes: [1]))]),
    rule(
        "control frames between fragments",
        frame(0x41, Array(hello[..<2])) + frame(0x89, [0x70]) + frame(0x00) + frame(0x8A)
            + frame(0x80, Array(hello[2...])),
        events: [.ping(buffer("p")), .pong(buffer("")), .text(buffer("Hello"))]),
    rule(
        "a message in fragments that is not compressed", frame(0x01, [0x61]) + frame(0x80, [0x62]) + frame(0xC1, hello),
        events: [.text(buffer("ab")), .text(buffer("Hello"))]),
    rule(
        "final blocks in the middle", frame(0xC1, Array(helloAtTheEnd.dropLast()) + helloAtTheEnd),
        events: [.text(buffer("HelloHello"))]),
    rule(
        "many final blocks of nothing", frame(0xC1, Array(repeatElement([0x03, 0x00], count: 50).joined()) + [0x00]),
        events: [.text(buffer(""))]),
]

private let violations: [FrameRule] =
    [0x88, 0x89, 0x8A].map { rule("RSV1 on control frame \($0 & 15)", frame($0 | 0x40), failure: .protocolError) }
    + [0x20, 0x10, 0x60, 0x50].map {
        rule("reserved bits \($0)", frame(0x81 | $0, hello), failure: .protocolError)
    }
    + [
        rule(
            "RSV1 on a continuation", frame(0x41, Array(hello[..<2])) + frame(0xC0, Array(hello[2...])),
            failure: .protocolError),
        rule(
            "RSV1 on the continuation of a message that is not compressed", frame(0x01, [0x61]) + frame(0xC0, [0x62]),
            failure: .protocolError),
        rule("nothing at all", frame(0xC1), failure: .invalidPayload),
        rule("data that breaks off", frame(0xC1, Array(hello[..<4])), failure: .invalidPayload),
        rule("data that does not begin", frame(0xC1, [0xFF, 0xFF]), failure: .invalidPayload),
        rule(
            "a final block without an end of the message", frame(0xC1, Array(helloAtTheEnd.dropLast())),
            failure: .invalidPayload),
        rule(
            "a length whose complement is wrong",
            frame(0xC1, [0x00, 0x05, 0x00, 0xFA, 0xFE] + Array("Hello".utf8) + [0x00]),
            failure: .invalidPayload),
        rule(
            "text that is not UTF-8", frame(0xC1, [0x00, 0x01, 0x00, 0xFE, 0xFF, 0xFF, 0x00]), failure: .invalidPayload),
        rule(
            "text that ends inside a character", frame(0xC1, [0x00, 0x01, 0x00, 0xFE, 0xFF, 0xC3, 0x00]),
            failure: .invalidPayload),
        rule(
            "a good message before a broken one", frame(0xC1, hello) + frame(0xC1, [0x07]),
            events: [.text(buffer("Hello"))], failure: .invalidPayload),
        rule(
            "inflated past the limit", frame(0xC1, hello), failure: .messageTooBig,
            limits: WebSocketLimits(maxFrameBytes: 100, maxMessageBytes: 4)),
        rule(
            "a frame past its limit", frame(0xC1, hello), failure: .messageTooBig,
            limits: WebSocketLimits(maxFrameBytes: 6, maxMessageBytes: 100)),
        rule(
            "too many fragments", frame(0x41, [0xF2]) + frame(0x00, [0x48]) + frame(0x80, [0xCD]),
            failure: .policyViolation, limits: WebSocketLimits(maxFragments: 2)),
    ]

/// What other settings of zlib make of the same text: dynamic codes, codes without references, fixed codes, no compression.
private let settings: [FrameRule] = {
    let text = #"{"event":"message","topic":"schön","message":"€ 42, € 42, € 42 — and again: € 42"}"#
    return [
        "aa564a2d4bcd2b51b252ca4d2d2e4e4c4f55d2512ac92fc84c068a1427671cde960714804959293d6a5aa36062a4a3804a2b3c6a98a290"
            + "9897a290989e989967051555aa0500",
        "04c1b10980301005d0553ebf4e1552659b438f6861144e6c4490cce018a95dc04d6e12df3ba987d69d998b9a495106eeeb360fccb461fade"
            + "cac045cda42833bd75a418e0ad23c5006f1d29c2ef0752474891b96678eb4891d70f",
        "005d00a2ff7b226576656e74223a226d657373616765222c22746f706963223a22736368c3b66e222c226d657373616765223a22e282ac20"
            + "34322c20e282ac2034322c20e282ac20343220e2809420616e6420616761696e3a20e282ac203432227d00",
    ].map { rule("made elsewhere \($0.prefix(8))", frame(0xC1, bytes($0)), events: [.text(buffer(text))]) }
}()

private func bytes(_ hexadecimal: String) -> [UInt8] {
    let digits = hexadecimal.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

@Suite struct WebSocketCompressionTests {
    @Test(
        "gives what the rule says, wherever the bytes are cut", arguments: examples + messages + violations + settings)
    func appliesRule(_ rule: FrameRule) {
        let expected = Reading(events: rule.events, failure: rule.failure)
        #expect(rule.read([rule.bytes]) == expected)
        #expect(rule.read(rule.bytes.map { [$0] }) == expected, "byte by byte")
        for cut in rule.bytes.indices {
            #expect(rule.read([Array(rule.bytes[..<cut]), Array(rule.bytes[cut...])]) == expected, "cut at \(cut)")
        }
    }

    @Test("takes no compressed message where none was agreed on", arguments: examples)
    func needsAgreement(_ rule: FrameRule) {
        #expect(read([rule.bytes]) == Reading(failure: .protocolError))
    }

    @Test("reads what refers back across nearly the whole of the largest window") func farReference() throws {
        let phrase = "a distant phrase"
        let far = bytes(
            "ecddb10900200c00b057fa5a41411711f57f5c9cbc21792419a5ef93e3c46c2b770d" + String(repeating: "0", count: 60)
                + "8027bf0ffd02")
        let expected = phrase + String(repeating: " ", count: 32_000) + phrase
        #expect(
            read([frame(0xC1, far)], compression: PerMessageDeflate()) == Reading(events: [.text(buffer(expected))]))
    }

    @Test(
        "a message may be as long as the limit once it is inflated, and not a byte longer",
        arguments: [64, 4096, 65_536])
    func limit(_ limit: Int) throws {
        let limits = WebSocketLimits(maxFrameBytes: 65_536, maxMessageBytes: limit)
        for (count, failure) in [(limit, nil), (limit + 1, .messageTooBig)] as [(Int, WebSocketCloseCode?)] {
            let text = [UInt8](repeating: 0x61, count: count)
            let payload = try #require(MessageCompressor.compress(text))
            let reading = read([frame(0xC2, payload)], limits: limits, compression: PerMessageDeflate())
            #expect(reading.failure == failure)
            #expect(reading.events == (failure == nil ? [.binary(ByteBuffer(bytes: text))] : []))
        }
    }

    @Test("gives up a message that would inflate to a thousand times its size") func bomb() throws {
        let bomb = try #require(MessageCompressor.compress([UInt8](repeating: 0, count: 16 << 20)))
        #expect(bomb.count < 20_000)
        var reader = WebSocketFrameReader(role: .server, compression: PerMessageDeflate())
        var bytes = ByteBuffer(bytes: frame(0xC2, bomb))
        #expect(
            throws: WebSocketError(closeCode: .messageTooBig, message: "compressed message of more than 65536 bytes")
        ) {
            try reader.next(from: &bytes)
        }
        #expect(reader.heldBytes == 0)
    }

    @Test("holds nothing between compressed messages, and says so") func holdsNothing() throws {
        var reader = WebSocketFrameReader(role: .server, compression: PerMessageDeflate())
        for (piece, isBetween) in [(frame(0x41, Array(hello[..<3])), false), (frame(0x80, Array(hello[3...])), true)] {
            var bytes = ByteBuffer(bytes: piece)
            while try reader.next(from: &bytes) != nil {}
            #expect(reader.isBetweenMessages == isBetween)
            #expect((reader.heldBytes == 0) == isBetween)
        }
    }

    @Test("a reader stays small: there may be one for each of many sockets") func isSmall() {
        #expect(MemoryLayout<WebSocketFrameReader>.size <= 88)
    }

    @Test("marks text as compressed and says nothing else about it", arguments: [7, 200, 70_000]) func encodes(
        _ count: Int
    ) {
        let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        var fromBytes = ByteBuffer()
        WebSocketFrameEncoder.appendText(payload, isCompressed: true, to: &fromBytes)
        #expect(fromBytes == ByteBuffer(bytes: frame(0xC1, payload, key: nil)))
        var fromBuffer = ByteBuffer()
        WebSocketFrameEncoder.appendText(ByteBuffer(bytes: payload), isCompressed: true, to: &fromBuffer)
        #expect(fromBuffer == fromBytes)
    }
}
