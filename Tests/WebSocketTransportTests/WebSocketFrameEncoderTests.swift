import NIOCore
import Testing
import WebSocketTransport

@Suite struct WebSocketFrameEncoderTests {
    @Test("encodes lengths in the fewest bytes", arguments: [0, 1, 125, 126, 65_535, 65_536, 70_000])
    func lengths(_ count: Int) {
        let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let expected = frame(0x82, payload, key: nil)
        #expect(
            WebSocketFrameEncoder.frame(opcode: .binary, payload: ByteBuffer(bytes: payload))
                == ByteBuffer(bytes: expected))
        let masked = frame(0x82, payload)
        #expect(
            WebSocketFrameEncoder.frame(opcode: .binary, payload: ByteBuffer(bytes: payload), masked: 0x37FA_213D)
                == ByteBuffer(bytes: masked))
    }

    @Test("appends text frames to what is there") func appends() {
        var bytes = ByteBuffer(bytes: [9])
        WebSocketFrameEncoder.appendText(ByteBuffer(string: "ab"), to: &bytes)
        WebSocketFrameEncoder.appendText("cd".utf8, to: &bytes)
        #expect(bytes == ByteBuffer(bytes: [9, 0x81, 2, 0x61, 0x62, 0x81, 2, 0x63, 0x64]))
    }

    @Test("cuts the reason of a close frame after a whole character") func cutsReason() throws {
        let reason = String(repeating: "a", count: 122) + "€" + "b"
        var bytes = WebSocketFrameEncoder.closeFrame(code: .normal, reason: reason)
        var reader = WebSocketFrameReader(role: .client)
        let event = try reader.next(from: &bytes)
        #expect(event == .close(.normal, reason: String(repeating: "a", count: 122)))
    }

    @Test("keeps a reason of exactly 123 bytes") func keepsReason() throws {
        let reason = String(repeating: "a", count: 120) + "€"
        var bytes = WebSocketFrameEncoder.closeFrame(code: .slowReader, reason: reason)
        var reader = WebSocketFrameReader(role: .client)
        let event = try reader.next(from: &bytes)
        #expect(event == .close(.slowReader, reason: reason))
    }

    @Test("never puts a code into a close frame that may not be sent", arguments: [1004, 1005, 1006, 1015, 2000, 5000])
    func withholdsCode(_ code: UInt16) {
        let bytes = WebSocketFrameEncoder.closeFrame(code: .init(rawValue: code), reason: "x")
        #expect(bytes == ByteBuffer(bytes: [0x88, 0]))
    }

    @Test("keeps control frames within 125 bytes") func cutsControl() {
        let payload = ByteBuffer(repeating: 1, count: 200)
        #expect(WebSocketFrameEncoder.ping(payload: payload).readableBytes == 127)
        #expect(WebSocketFrameEncoder.pong(payload: payload, masked: 5).readableBytes == 131)
    }
}
