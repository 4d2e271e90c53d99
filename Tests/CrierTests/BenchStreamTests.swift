import NIOCore
import Testing

@testable import Crier

struct BenchStreamTests {
    private typealias Reading = (UnsafeRawBufferPointer, Int) -> StreamPiece?

    /// What comes out of a stream that arrives in these parts.
    private func pieces(_ parts: [ArraySlice<UInt8>], _ next: Reading) -> [String] {
        var cut = CutBytes()
        var found: [String] = []
        for part in parts {
            var buffer = ByteBuffer(bytes: part)
            cut.feed(&buffer) { bytes in
                var place = 0
                while let piece = next(bytes, place) {
                    place = piece.end
                    let text = String(decoding: bytes[piece.start..<piece.start + piece.count], as: UTF8.self)
                    found.append("\(piece.kind) \(text.utf8.count < 40 ? text : "\(text.utf8.count) bytes")")
                }
                return place
            }
        }
        return found
    }

    /// Every stream in two parts, and in three whose middle has up to nine bytes, and byte by byte.
    private func expectAtAllCuts(_ stream: [UInt8], _ expected: [String], _ next: Reading) {
        for first in 0...stream.count {
            for second in first...min(first + 9, stream.count) {
                let parts = [stream[..<first], stream[first..<second], stream[second...]]
                let found = pieces(parts, next)
                if found != expected {
                    Issue.record("cut at \(first) and \(second): \(found)")
                    return
                }
            }
        }
        #expect(pieces(stream.indices.map { stream[$0...$0] }, next) == expected)
    }

    private func frame(_ opcode: UInt8, _ payload: [UInt8]) -> [UInt8] {
        switch payload.count {
        case ..<126: [0x80 | opcode, UInt8(payload.count)] + payload
        case ..<65_536: [0x80 | opcode, 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)] + payload
        default: [0x80 | opcode, 127] + (0..<8).map { UInt8(payload.count >> (56 - $0 * 8) & 0xFF) } + payload
        }
    }

    @Test func framesComeWholeWhereverTheyAreCut() {
        let long = [UInt8](repeating: UInt8(ascii: "x"), count: 300)
        let stream =
            frame(1, Array("hello".utf8)) + frame(9, Array("p".utf8)) + frame(1, []) + frame(1, long)
            + frame(2, [1]) + frame(8, [3, 0xE8])
        let close = "close " + String(decoding: [3, 0xE8] as [UInt8], as: UTF8.self)
        expectAtAllCuts(
            stream, ["text hello", "ping p", "text ", "text 300 bytes", "other \u{1}", close]
        ) { StreamPiece.frame(in: $0, at: $1) }
    }

    @Test func aFrameOf64KiBAndMoreIsReadUpToTheBound() {
        let whole = frame(1, [UInt8](repeating: 120, count: StreamPiece.longest))
        let middle = whole.count / 2
        let next: Reading = { StreamPiece.frame(in: $0, at: $1) }
        #expect(pieces([whole[..<middle], whole[middle...]], next) == ["text \(StreamPiece.longest) bytes"])
        let longer: [UInt8] = [0x81, 127, 0, 0, 0, 0, 0, 0x10, 0, 1]
        #expect(pieces([longer[...]], next) == ["malformed "])
        #expect(pieces([([0x81, 127] + [UInt8](repeating: 0xFF, count: 8))[...]], next) == ["malformed "])
        #expect(pieces([[0x81, 0x85, 1, 2, 3, 4]], next) == ["malformed "], "a server does not mask")
    }

    @Test func eventsComeWholeWhereverTheyAreCut() {
        let text =
            "id: 1\nevent: open\ndata: {}\n\ndata: a\n\n: quiet\n\nid: 3\ndata: b\n\ndata: unfinished\n"
        let expected = [
            "text id: 1\nevent: open\ndata: {}\n", "text data: a\n", "text : quiet\n", "text id: 3\ndata: b\n",
        ]
        expectAtAllCuts(Array(text.utf8), expected) { StreamPiece.event(in: $0, at: $1) }
    }

    @Test func anEventWithoutAnEndIsMalformedAtTheBound() {
        let endless = [UInt8](repeating: 120, count: StreamPiece.longest + 1)
        #expect(pieces([endless.dropLast()]) { StreamPiece.event(in: $0, at: $1) }.isEmpty)
        #expect(pieces([endless[...]]) { StreamPiece.event(in: $0, at: $1) } == ["malformed "])
    }

    @Test func textIsFoundAmongBytes() {
        func place(_ text: String) -> Int? { Array(text.utf8).withUnsafeBytes { $0.place(of: "abab") } }
        #expect(place("abab") == 0)
        #expect(place("aabaabab") == 4)
        #expect(place("ababab") == 0)
        #expect(place("xxaba") == nil)
        #expect(place("") == nil)
        #expect(UnsafeRawBufferPointer(start: nil, count: 0).place(of: "a") == nil)
    }

    // MARK: HandshakeAnswer

    private func answer(_ text: String, _ form: LoadPlan.Form = .ws, hasEnded: Bool = false) -> HandshakeAnswer? {
        Array(text.utf8).withUnsafeBytes { HandshakeAnswer.read($0, to: form, hasEnded: hasEnded) }
    }

    private let upgraded =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"

    @Test func anAnswerIsTakenWhenItsHeadIsWhole() {
        for length in 0..<upgraded.utf8.count {
            #expect(answer(String(decoding: upgraded.utf8.prefix(length), as: UTF8.self)) == nil)
        }
        #expect(answer(upgraded + "\u{1}frames") == .accepted(length: upgraded.utf8.count))
        let stream = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
        #expect(answer(stream + "id: 1", .sse) == .accepted(length: stream.utf8.count))
    }

    @Test func anotherAnswerIsNotTakenForTheServers() {
        #expect(answer(upgraded.replacing("s3pP", with: "S4pP")) == .notHTTP)
        #expect(answer("SSH-2.0-x\r\n\r\n") == .notHTTP)
        #expect(answer("HTTP/1.1 101", hasEnded: true) == .notHTTP)
        #expect(answer("", hasEnded: true) == .notHTTP)
        #expect(answer(String(repeating: "x", count: 20_000)) == .notHTTP)
    }

    @Test func aRefusalComesWithItsReason() {
        let body = #"{"code":42902,"http":429,"error":"too many"}"#
        let refusal = ServerRefusal(status: 429, body: Array(body.utf8))
        let head = "HTTP/1.1 429 Too Many Requests\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
        #expect(answer(head + body.dropLast()) == nil)
        #expect(answer(head + body) == .refused(refusal))
        #expect(answer(head + body, .sse) == .refused(refusal))
        let chunked = "HTTP/1.1 429 Too Many Requests\r\nTransfer-Encoding: chunked\r\n\r\n2c\r\n\(body)\r\n"
        #expect(answer(chunked) == nil)
        #expect(answer(chunked + "0\r\n\r\n") == .refused(refusal))
        #expect(answer(chunked, hasEnded: true) == .refused(refusal))
        #expect(answer("HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n") == .refused(ServerRefusal(status: 503, body: [])))
        let moved = "HTTP/1.1 301 x\r\nLocation: http://B/\r\nContent-Length: 0\r\n\r\n"
        #expect(answer(moved) == .refused(ServerRefusal(status: 301, body: [], location: "http://B/")))
    }
}
