import NIOCore
import Testing

@testable import RedisBus

struct HiredisReaderTests {
    private static let cases: [(String, RESPValue)] = [
        ("+OK\r\n", .status("OK")),
        ("-ERR no\r\n", .error("ERR no")),
        (":-42\r\n", .integer(-42)),
        ("$5\r\na\r\nb\0\r\n", .bytes(Array("a\r\nb\0".utf8))),
        ("$0\r\n\r\n", .bytes([])),
        ("$-1\r\n", .null),
        ("*-1\r\n", .null),
        ("*0\r\n", .array([])),
        ("*2\r\n*2\r\n:1\r\n*0\r\n$1\r\nx\r\n", .array([.array([.integer(1), .array([])]), .bytes([120])])),
        ("*3\r\n$-1\r\n+a\r\n-b\r\n", .array([.null, .status("a"), .error("b")])),
    ]

    @Test("Replies are read however they are split", arguments: cases)
    func split(_ text: String, _ expected: RESPValue) throws {
        let bytes = Array(text.utf8)
        for cut in 0...bytes.count {
            let reader = try HiredisReader()
            try reader.feed(ByteBuffer(bytes: bytes[..<cut]))
            let early = try reader.next()
            #expect(cut == bytes.count ? early == expected : early == nil)
            try reader.feed(ByteBuffer(bytes: bytes[cut...]))
            if cut < bytes.count { #expect(try reader.next() == expected) }
            #expect(try reader.next() == nil)
        }
    }

    @Test("Replies that come together are read one after the other")
    func pipelined() throws {
        let reader = try HiredisReader()
        let text = Self.cases.map(\.0).joined()
        for byte in text.utf8.dropLast() { try reader.feed(ByteBuffer(bytes: [byte])) }
        try reader.feed(ByteBuffer(bytes: [text.utf8.last ?? 0]))
        for (_, expected) in Self.cases { #expect(try reader.next() == expected) }
        #expect(try reader.next() == nil)
    }

    @Test(
        "What is no reply is refused",
        arguments: [
            "hello\r\n", "?\r\n", "\r\n", "$abc\r\n", "$-2\r\n", "*-2\r\n", "*99999999999999999999\r\n",
            "*2147483647\r\n", "*1048577\r\n", "$99999999999999999999\r\n", ":12a\r\n",
            String(repeating: "*1\r\n", count: 64) + ":1\r\n",
        ])
    func malformed(_ text: String) throws {
        let reader = try HiredisReader()
        try reader.feed(ByteBuffer(string: text))
        #expect(throws: RedisFailure.self) { try reader.next() }
        #expect(throws: RedisFailure.self) {
            try reader.feed(ByteBuffer(string: "+OK\r\n"))
            _ = try reader.next()
        }
    }

    @Test(
        "A reply without an end is refused at its limit", arguments: ["$9223372036854775807\r\n", "*1000000\r\n", "+"])
    func endless(_ beginning: String) throws {
        let reader = try HiredisReader(limits: .init(bytes: 1 << 20))
        #expect(throws: RedisFailure.self) {
            try reader.feed(ByteBuffer(string: beginning))
            for _ in 0..<64 {
                _ = try reader.next()
                try reader.feed(ByteBuffer(repeating: UInt8(ascii: "a"), count: 1 << 15))
            }
        }
    }

    @Test("The limit counts one reply, not all of them")
    func limitIsOfOneReply() throws {
        let reader = try HiredisReader(limits: .init(bytes: 1000))
        for _ in 0..<100 {
            try reader.feed(ByteBuffer(string: "$500\r\n" + String(repeating: "x", count: 500) + "\r\n"))
            #expect(try reader.next() == .bytes([UInt8](repeating: 120, count: 500)))
        }
    }

    @Test("No bytes make the reader trap", arguments: 0..<64)
    func random(_ seed: UInt64) throws {
        var generator = SeededBytes(state: seed)
        let alphabet = Array("*$+-:0123456789\r\n\r\n\r\nab\0".utf8)
        for _ in 0..<200 {
            guard let reader = try? HiredisReader(limits: .init(bytes: 4096, elements: 64, depth: 4)) else { continue }
            for _ in 0..<8 {
                let bytes = (0..<Int.random(in: 1...40, using: &generator)).map { _ in
                    alphabet.randomElement(using: &generator) ?? 0
                }
                do throws(RedisFailure) {
                    try reader.feed(ByteBuffer(bytes: bytes))
                    while try reader.next() != nil {}
                } catch {
                    break
                }
            }
        }
    }

    @Test("A command's bytes are those of the protocol, whatever they are")
    func encoding() throws {
        var command = RedisCommand("SET", "ключ")
        command.append([0, 13, 10, 255])
        command.append("")
        command.append(-7)
        var buffer = ByteBuffer()
        try HiredisReader.encode(command, into: &buffer)
        let expected: [UInt8] =
            Array("*5\r\n$3\r\nSET\r\n$8\r\nключ\r\n$4\r\n".utf8) + [0, 13, 10, 255]
            + Array("\r\n$0\r\n\r\n$2\r\n-7\r\n".utf8)
        #expect(Array(buffer.readableBytesView) == expected)
    }
}

/// The same bytes for the same seed (splitmix64).
struct SeededBytes: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
