import NIOCore
import Testing
import WebSocketTransport

/// One rule of RFC 6455: bytes and what the reader has to make of them.
struct FrameRule: Sendable, CustomTestStringConvertible {
    var name: String
    var bytes: [UInt8]
    var events: [WebSocketFrameReader.Event] = []
    var failure: WebSocketCloseCode?
    var role = WebSocketRole.server
    var limits = WebSocketLimits()
    var compression: PerMessageDeflate?

    var testDescription: String { name }

    func read(_ pieces: [[UInt8]]) -> Reading {
        WebSocketTransportTests.read(pieces, as: role, limits: limits, compression: compression)
    }
}

private let long = [UInt8](repeating: 0x61, count: 200)

private let messages: [FrameRule] = [
    FrameRule(name: "text in one frame", bytes: frame(0x81, Array("Hello".utf8)), events: [.text(buffer("Hello"))]),
    FrameRule(name: "empty text", bytes: frame(0x81), events: [.text(buffer(""))]),
    FrameRule(name: "empty binary", bytes: frame(0x82), events: [.binary(buffer(""))]),
    FrameRule(
        name: "the example of section 5.7", bytes: [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58],
        events: [.text(buffer("Hello"))]),
    FrameRule(name: "16-bit length", bytes: frame(0x82, long), events: [.binary(ByteBuffer(bytes: long))]),
    FrameRule(
        name: "two messages in one read", bytes: frame(0x81, [0x61]) + frame(0x82, [1]),
        events: [.text(buffer("a")), .binary(ByteBuffer(bytes: [1]))]),
    FrameRule(
        name: "three fragments", bytes: frame(0x01, [0x61]) + frame(0x00, [0x62]) + frame(0x80, [0x63]),
        events: [.text(buffer("abc"))]),
    FrameRule(
        name: "empty fragments", bytes: frame(0x02) + frame(0x00) + frame(0x80), events: [.binary(buffer(""))]),
    FrameRule(
        name: "a ping between fragments", bytes: frame(0x01, [0x61]) + frame(0x89, [0x70]) + frame(0x80, [0x62]),
        events: [.ping(buffer("p")), .text(buffer("ab"))]),
    FrameRule(
        name: "a pong between fragments", bytes: frame(0x01, [0x61]) + frame(0x8A) + frame(0x80, [0x62]),
        events: [.pong(buffer("")), .text(buffer("ab"))]),
    FrameRule(
        name: "a character cut by a fragment", bytes: frame(0x01, [0xE2, 0x82]) + frame(0x80, [0xAC]),
        events: [.text(buffer("€"))]),
    FrameRule(
        name: "125 bytes in a ping", bytes: frame(0x89, Array(long[..<125])),
        events: [.ping(ByteBuffer(bytes: long[..<125]))]),
    FrameRule(
        name: "a server's frame", bytes: frame(0x81, [0x61], key: nil), events: [.text(buffer("a"))], role: .client),
    FrameRule(
        name: "a key of zeros", bytes: frame(0x81, [0x61], key: [0, 0, 0, 0]), events: [.text(buffer("a"))]),
]

private let closes: [FrameRule] = [
    FrameRule(name: "close without a code", bytes: frame(0x88), events: [.close(nil, reason: "")]),
    FrameRule(name: "close with a code", bytes: frame(0x88, [0x03, 0xE8]), events: [.close(.normal, reason: "")]),
    FrameRule(
        name: "close with a reason", bytes: frame(0x88, [0x03, 0xE9] + Array("bye".utf8)),
        events: [.close(.goingAway, reason: "bye")]),
    FrameRule(
        name: "what follows a close is discarded", bytes: frame(0x88) + frame(0x81, [0x61]) + [0xFF, 0xFF],
        events: [.close(nil, reason: "")]),
    FrameRule(
        name: "a close between fragments", bytes: frame(0x01, [0x61]) + frame(0x88) + frame(0x80, [0x62]),
        events: [.close(nil, reason: "")]),
    FrameRule(name: "close with one byte", bytes: frame(0x88, [0x03]), failure: .protocolError),
    FrameRule(
        name: "close whose reason is not UTF-8", bytes: frame(0x88, [0x03, 0xE8, 0xFF]), failure: .invalidPayload),
    FrameRule(
        name: "close whose reason ends inside a character", bytes: frame(0x88, [0x03, 0xE8, 0xE2, 0x82]),
        failure: .invalidPayload),
]

private let violations: [FrameRule] =
    [0x40, 0x20, 0x10].map {
        FrameRule(name: "reserved bit \($0)", bytes: frame(0x81 | $0, [0x61]), failure: .protocolError)
    }
    + [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map {
        FrameRule(name: "reserved opcode \($0)", bytes: frame(0x80 | $0), failure: .protocolError)
    }
    + [8, 9, 10].map {
        FrameRule(name: "control frame \($0) in fragments", bytes: frame($0), failure: .protocolError)
    }
    + [8, 9, 10].map {
        FrameRule(
            name: "control frame \($0) of 126 bytes", bytes: frame(0x80 | $0, Array(long[..<126])),
            failure: .protocolError)
    } + [
        FrameRule(name: "continuation of nothing", bytes: frame(0x80, [0x61]), failure: .protocolError),
        FrameRule(
            name: "continuation after the last fragment", bytes: frame(0x01) + frame(0x80) + frame(0x80),
            events: [.text(buffer(""))], failure: .protocolError),
        FrameRule(
            name: "a new message between fragments", bytes: frame(0x01, [0x61]) + frame(0x81, [0x62]),
            failure: .protocolError),
        FrameRule(name: "no mask from a client", bytes: frame(0x81, [0x61], key: nil), failure: .protocolError),
        FrameRule(name: "a mask from a server", bytes: frame(0x81, [0x61]), failure: .protocolError, role: .client),
        FrameRule(
            name: "125 in 16 bits", bytes: frame(0x82, Array(long[..<125]), length: [126, 0, 125]),
            failure: .protocolError),
        FrameRule(
            name: "200 in 64 bits", bytes: frame(0x82, long, length: [127, 0, 0, 0, 0, 0, 0, 0, 200]),
            failure: .protocolError),
        FrameRule(
            name: "65,535 in 64 bits", bytes: frame(0x82, long, length: [127, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]),
            failure: .protocolError),
        FrameRule(
            name: "the sign bit of a 64-bit length", bytes: frame(0x82, [], length: [127, 0x80, 0, 0, 0, 0, 1, 0, 0]),
            failure: .protocolError),
        FrameRule(
            name: "the largest length",
            bytes: frame(0x82, [], length: [127, 0x7F] + [UInt8](repeating: 0xFF, count: 7)),
            failure: .messageTooBig),
        FrameRule(
            name: "a good message before a violation", bytes: frame(0x81, [0x61]) + frame(0x83),
            events: [.text(buffer("a"))], failure: .protocolError),
        FrameRule(
            name: "a frame past its limit", bytes: frame(0x82, [1, 2, 3, 4, 5]), failure: .messageTooBig,
            limits: WebSocketLimits(maxFrameBytes: 4, maxMessageBytes: 100)),
        FrameRule(
            name: "a message past its limit", bytes: frame(0x02, [1, 2, 3, 4]) + frame(0x80, [5]),
            failure: .messageTooBig,
            limits: WebSocketLimits(maxFrameBytes: 4, maxMessageBytes: 4)),
        FrameRule(
            name: "a message at its limit", bytes: frame(0x02, [1, 2, 3]) + frame(0x80, [4]),
            events: [.binary(ByteBuffer(bytes: [1, 2, 3, 4]))],
            limits: WebSocketLimits(maxFrameBytes: 4, maxMessageBytes: 4)),
        FrameRule(
            name: "too many fragments", bytes: frame(0x02) + frame(0x00) + frame(0x00) + frame(0x80),
            failure: .policyViolation, limits: WebSocketLimits(maxFragments: 3)),
        FrameRule(
            name: "as many fragments as allowed", bytes: frame(0x02) + frame(0x00) + frame(0x80),
            events: [.binary(buffer(""))], limits: WebSocketLimits(maxFragments: 3)),
        FrameRule(
            name: "control frames are no fragments", bytes: frame(0x02) + frame(0x89) + frame(0x8A) + frame(0x80),
            events: [.ping(buffer("")), .pong(buffer("")), .binary(buffer(""))],
            limits: WebSocketLimits(maxFragments: 2)),
    ]

/// RFC 3629 section 4 and Unicode's table 3-7.
private let texts: [FrameRule] =
    [
        "\u{7F}", "\u{80}", "\u{7FF}", "\u{800}", "\u{FFFF}", "\u{10000}", "\u{10FFFF}", "\u{D7FF}", "\u{E000}",
        "12345678€12345678", "κόσμε",
    ].map { text in
        FrameRule(
            name: "UTF-8 \(text.utf8.map { $0 })", bytes: frame(0x81, Array(text.utf8)), events: [.text(buffer(text))])
    }
    + [
        [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC3, 0x28], [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF],
        [0xED, 0xA0, 0x80],
        [0xED, 0xBF, 0xBF], [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF], [0xF4, 0x90, 0x80, 0x80],
        [0xF5, 0x80, 0x80, 0x80], [0xFE], [0xFF], [0xE2, 0x82], [0xC3], [0xF0, 0x9F, 0x98], [0xE2, 0x28, 0xA1],
        Array("12345678".utf8) + [0xFF], Array("1234567".utf8) + [0xFF] + Array("12345678".utf8),
    ].map { (bytes: [UInt8]) in
        FrameRule(name: "not UTF-8 \(bytes)", bytes: frame(0x81, bytes), failure: .invalidPayload)
    }

private let closeCodes: [FrameRule] = [
    (0, false), (999, false), (1000, true), (1001, true), (1002, true), (1003, true), (1004, false), (1005, false),
    (1006, false), (1007, true), (1008, true), (1009, true), (1010, true), (1011, true), (1012, true), (1013, true),
    (1014, true), (1015, false), (1016, false), (1100, false), (2000, false), (2999, false), (3000, true), (3999, true),
    (4000, true), (4999, true), (5000, false), (65_535, false),
].map { (code: UInt16, isAllowed: Bool) in
    let bytes = frame(0x88, [UInt8(code >> 8), UInt8(code & 0xFF)])
    return isAllowed
        ? FrameRule(name: "close code \(code)", bytes: bytes, events: [.close(.init(rawValue: code), reason: "")])
        : FrameRule(name: "close code \(code)", bytes: bytes, failure: .protocolError)
}

@Suite struct WebSocketFrameReaderTests {
    @Test(
        "gives what the rule says, wherever the bytes are cut",
        arguments: messages + closes + violations + texts + closeCodes)
    func appliesRule(_ rule: FrameRule) {
        let expected = Reading(events: rule.events, failure: rule.failure)
        #expect(rule.read([rule.bytes]) == expected)
        #expect(rule.read(rule.bytes.map { [$0] }) == expected, "byte by byte")
        for cut in rule.bytes.indices {
            let pieces = [Array(rule.bytes[..<cut]), Array(rule.bytes[cut...])]
            #expect(rule.read(pieces) == expected, "cut at \(cut)")
        }
    }

    @Test("a fresh reader can go on wherever one says that it is between messages", arguments: messages + closes)
    func isReplaceable(_ rule: FrameRule) throws {
        for cut in rule.bytes.indices {
            var reader = WebSocketFrameReader(role: rule.role, limits: rule.limits)
            var events: [WebSocketFrameReader.Event] = []
            var bytes = ByteBuffer(bytes: rule.bytes[..<cut])
            while let event = try reader.next(from: &bytes) { events.append(event) }
            guard reader.isBetweenMessages else { continue }
            #expect(reader.heldBytes == 0)
            reader = WebSocketFrameReader(role: rule.role, limits: rule.limits)
            bytes = ByteBuffer(bytes: rule.bytes[cut...])
            while let event = try? reader.next(from: &bytes) { events.append(event) }
            #expect(events == rule.events, "cut at \(cut)")
        }
    }

    @Test("is between messages at the ends of messages only") func isBetween() throws {
        var reader = WebSocketFrameReader(role: .server)
        #expect(reader.isBetweenMessages)
        let pieces: [(bytes: [UInt8], isBetween: Bool)] = [
            (Array(frame(0x81, [0x61]).dropLast()), false), ([0x61 ^ 0x37], true), (frame(0x01, [0x61]), false),
            (frame(0x89, [0x70]), false), (frame(0x80, [0x62]), true), (Array(frame(0x8A, [0x70]).dropLast()), false),
            ([0x70 ^ 0x37], true), (frame(0x88), false),
        ]
        for piece in pieces {
            var bytes = ByteBuffer(bytes: piece.bytes)
            while try reader.next(from: &bytes) != nil {}
            #expect(reader.isBetweenMessages == piece.isBetween, "after \(piece.bytes)")
        }
        var failed = WebSocketFrameReader(role: .server)
        var bytes = ByteBuffer(bytes: frame(0x83))
        #expect(throws: WebSocketError.self) { try failed.next(from: &bytes) }
        #expect(!failed.isBetweenMessages)
    }

    @Test("takes 64-bit lengths") func long64() {
        let payload = (0..<70_000).map { UInt8(truncatingIfNeeded: $0) }
        let limits = WebSocketLimits(maxFrameBytes: 70_000, maxMessageBytes: 70_000)
        let bytes = frame(0x82, payload)
        let expected = Reading(events: [.binary(ByteBuffer(bytes: payload))])
        #expect(read([bytes], limits: limits) == expected)
        let chunks = stride(from: 0, to: bytes.count, by: 977).map { Array(bytes[$0..<min($0 + 977, bytes.count)]) }
        #expect(read(chunks, limits: limits) == expected)
    }

    @Test("refuses text at the first byte that cannot be repaired, before the frame is complete") func failsFast() {
        var bytes = frame(0x01, Array("abc".utf8) + [0xED, 0xA0] + Array("more".utf8))
        bytes.removeLast(4)
        #expect(read([Array(bytes.dropLast())]).failure == nil)
        #expect(read([bytes]).failure == .invalidPayload)
    }

    @Test("refuses a length before any of the payload has come") func lengthFirst() {
        let head = Array(frame(0x82, [], length: [127, 0, 0, 0, 0, 0, 1, 0, 1]).dropLast(4))
        #expect(read([head]).failure == .messageTooBig)
    }

    @Test("holds no more memory than came, whatever length was announced") func growsWithBytes() throws {
        var reader = WebSocketFrameReader(
            role: .server, limits: WebSocketLimits(maxFrameBytes: 1 << 30, maxMessageBytes: 1 << 30))
        var bytes = ByteBuffer(bytes: frame(0x82, [1, 2, 3], length: [127, 0, 0, 0, 0, 0x30, 0, 0, 0]))
        #expect(try reader.next(from: &bytes) == nil)
        #expect(bytes.readableBytes == 0)
        #expect((reader.heldBytes) <= 64)
    }

    @Test("holds nothing between messages") func holdsNothing() throws {
        var reader = WebSocketFrameReader(role: .server)
        var bytes = ByteBuffer(bytes: frame(0x01, [0x61]) + frame(0x89, [0x62]) + frame(0x80, [0x63]))
        while try reader.next(from: &bytes) != nil {}
        #expect(reader.heldBytes == 0)
    }

    @Test("throws again after a violation") func staysFailed() {
        var reader = WebSocketFrameReader(role: .server)
        var bytes = ByteBuffer(bytes: frame(0xC1, [0x61]) + frame(0x81, [0x61]))
        #expect(throws: WebSocketError.self) { try reader.next(from: &bytes) }
        #expect(throws: WebSocketError.self) { try reader.next(from: &bytes) }
    }

    @Test("says what was wrong in words that fit a close frame", arguments: violations) func explains(_ rule: FrameRule)
    {
        var reader = WebSocketFrameReader(role: rule.role, limits: rule.limits)
        var bytes = ByteBuffer(bytes: rule.bytes)
        do throws(WebSocketError) {
            while try reader.next(from: &bytes) != nil {}
        } catch {
            #expect(!error.message.isEmpty && error.message.utf8.count <= 123)
        }
    }
}
