import CrierTesting
import NIOCore
import Testing
import WebSocketTransport

@Suite struct MessageCompressorTests {
    /// Around the sizes at which zlib gets a larger window.
    @Test(
        "what is compressed is read back",
        arguments: [
            60, 249, 250, 251, 343, 762, 763, 1786, 1787, 3834, 4096, 7930, 16_122, 16_123, 32_506, 32_507, 65_536,
            300_000,
        ])
    func roundTrip(_ count: Int) throws {
        var random = SeededGenerator(seed: UInt64(count))
        let words = ["alert ", "machine ", "in ", "region ", "fra ", "latency ", "über ", "42 ms ", "restarted "]
        var message: [UInt8] = []
        while message.count < count { message += words[Int.random(in: 0..<words.count, using: &random)].utf8 }
        message = Array(message[..<count]).map { $0 & 0x7F }
        let compressed = try #require(MessageCompressor.compress(message))
        #expect(compressed.count < message.count)
        #expect(inflated(compressed) == message)
        #expect(MessageCompressor.compress(message) == compressed, "the result depends on something else")
    }

    @Test("text that begins again at the largest distance is read back") func farReference() throws {
        var random = SeededGenerator(seed: 1)
        let block = (0..<32_000).map { _ in UInt8.random(in: 0x20...0x7E, using: &random) }
        let compressed = try #require(MessageCompressor.compress(block + block))
        #expect(compressed.count < block.count, "the second half was not found in the first")
        #expect(inflated(compressed) == block + block)
    }

    @Test("gives nothing where the result would not be shorter") func givesUp() {
        var random = SeededGenerator(seed: 2)
        for count in 0...300 {
            let noise = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &random) }
            #expect(MessageCompressor.compress(noise) == nil)
        }
        #expect(MessageCompressor.compress(Array("Hello".utf8)) == nil)
    }

    @Test("is shorter by at least a byte, and gives what it can", arguments: 0..<4) func isShorter(_ seed: UInt64)
        throws
    {
        var random = SeededGenerator(seed: seed)
        var compressed = 0
        for _ in 0..<400 {
            let letters = UInt8.random(in: 1...80, using: &random)
            let message = (0..<Int.random(in: 1...400, using: &random)).map { _ in
                0x20 + UInt8.random(in: 0..<letters, using: &random)
            }
            guard let payload = MessageCompressor.compress(message) else { continue }
            compressed += 1
            guard payload.count < message.count, inflated(payload) == message else {
                Issue.record("seed \(seed): \(message) became \(payload)")
                return
            }
        }
        #expect(compressed > 100 && compressed < 400)
    }

    private func inflated(_ payload: [UInt8]) -> [UInt8]? {
        let limits = WebSocketLimits(maxFrameBytes: 1 << 20, maxMessageBytes: 1 << 20)
        let reading = read(
            [frame(0xC2, payload, key: nil)], as: .client, limits: limits, compression: PerMessageDeflate())
        guard case .binary(let message) = reading.events.first else { return nil }
        return Array(message.readableBytesView)
    }
}
