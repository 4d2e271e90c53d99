import CrierTesting
import NIOCore
import Testing
import WebSocketTransport

@Suite struct WebSocketCompressionFuzzTests {
    #if DEBUG
        /// Unoptimized code takes many times as long: `swift test -c release` runs all of it.
        private let share = 10
    #else
        private let share = 1
    #endif
    private let limits = WebSocketLimits(maxFrameBytes: 400, maxMessageBytes: 600, maxFragments: 4)

    @Test(
        "broken compressed data never traps, never passes the limits, and means the same however it is cut",
        arguments: 0..<8)
    func survives(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var failures: [WebSocketCloseCode: Int] = [:]
        var messages = 0
        for iteration in 0..<5_000 / share {
            let bytes = frames(&random)
            let whole = read([bytes], limits: limits, compression: PerMessageDeflate())
            let pieces = read(cut(bytes, &random), limits: limits, compression: PerMessageDeflate())
            guard whole == pieces else {
                Issue.record("seed \(seed), iteration \(iteration): \(bytes) means \(whole), in pieces \(pieces)")
                return
            }
            guard whole.events.allSatisfy(isWithinLimits) else {
                Issue.record("seed \(seed), iteration \(iteration): \(whole.events) is past the limits")
                return
            }
            messages += whole.events.count
            if let failure = whole.failure { failures[failure, default: 0] += 1 }
        }
        // What is fed has to reach every way out.
        #expect(messages > 0)
        for code in [WebSocketCloseCode.protocolError, .invalidPayload, .messageTooBig] {
            #expect(failures[code] != nil)
        }
    }

    /// Compressed messages, whole or in two fragments with a ping between, in two of three cases with bits turned, bytes cut off or noise
    /// instead.
    private func frames(_ random: inout SeededGenerator) -> [UInt8] {
        var bytes: [UInt8] = []
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            var payload = self.payload(&random)
            switch Int.random(in: 0..<9, using: &random) {
            case 0..<3: break
            case 3: payload.removeLast(Int.random(in: 0...payload.count, using: &random))
            case 4:
                payload = (0..<Int.random(in: 0...100, using: &random)).map { _ in
                    UInt8.random(in: .min ... .max, using: &random)
                }
            default:
                for _ in 0..<Int.random(in: 1...3, using: &random) where !payload.isEmpty {
                    payload[Int.random(in: 0..<payload.count, using: &random)] ^=
                        1 << UInt8.random(in: 0..<8, using: &random)
                }
            }
            let opcode: UInt8 = Bool.random(using: &random) ? 0x41 : 0x42
            if Bool.random(using: &random) {
                bytes += frame(0x80 | opcode, payload)
            } else {
                let middle = Int.random(in: 0...payload.count, using: &random)
                bytes += frame(opcode, Array(payload[..<middle])) + frame(0x89, [0x70])
                bytes += frame(Int.random(in: 0..<20, using: &random) == 0 ? 0xC0 : 0x80, Array(payload[middle...]))
            }
        }
        return bytes
    }

    private func payload(_ random: inout SeededGenerator) -> [UInt8] {
        let letters = UInt8.random(in: 1...8, using: &random)
        let message = (0..<Int.random(in: 20...700, using: &random)).map { _ in
            0x61 + UInt8.random(in: 0..<letters, using: &random)
        }
        return MessageCompressor.compress(message) ?? [0x00]
    }

    private func isWithinLimits(_ event: WebSocketFrameReader.Event) -> Bool {
        switch event {
        case .text(let message):
            message.readableBytes <= limits.maxMessageBytes
                && String(validating: message.readableBytesView, as: UTF8.self) != nil
        case .binary(let message): message.readableBytes <= limits.maxMessageBytes
        case .ping, .pong, .close: true
        }
    }
}
