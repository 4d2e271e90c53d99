import CrierTesting
import NIOCore
import Testing
import WebSocketTransport

@Suite struct WebSocketFrameFuzzTests {
    #if DEBUG
        /// Unoptimized code takes ten times as long: `swift test -c release` runs all of it.
        private let share = 10
    #else
        private let share = 1
    #endif
    private let limits = WebSocketLimits(maxFrameBytes: 96, maxMessageBytes: 160, maxFragments: 4)

    @Test("mutated frames never trap, never pass the limits, and mean the same however they are cut", arguments: 0..<8)
    func survives(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for iteration in 0..<25_000 / share {
            let bytes = mutated(&random)
            let whole = read([bytes], limits: limits)
            let pieces = cut(bytes, &random)
            let cut = read(pieces, limits: limits)
            guard whole == cut else {
                Issue.record("seed \(seed), iteration \(iteration): \(bytes) means \(whole), in pieces \(cut)")
                return
            }
            for event in whole.events {
                guard isWithinLimits(event) else {
                    Issue.record("seed \(seed), iteration \(iteration): \(event) is past the limits")
                    return
                }
            }
        }
    }

    @Test("what is encoded is read back, masked and unmasked, in fragments or whole", arguments: 0..<4)
    func roundTrip(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed &+ 1000)
        for iteration in 0..<5_000 / share {
            let role: WebSocketRole = Bool.random(using: &random) ? .server : .client
            var bytes = ByteBuffer()
            var expected: [WebSocketFrameReader.Event] = []
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                expected += encode(as: role, into: &bytes, &random)
            }
            let reading = read(cut(Array(bytes.readableBytesView), &random), as: role)
            guard reading == Reading(events: expected) else {
                Issue.record("seed \(seed), iteration \(iteration): \(reading) instead of \(expected)")
                return
            }
        }
    }

    private func encode(
        as role: WebSocketRole, into bytes: inout ByteBuffer, _ random: inout SeededGenerator
    ) -> [WebSocketFrameReader.Event] {
        func key(_ random: inout SeededGenerator) -> UInt32? {
            role == .server ? UInt32.random(in: .min ... .max, using: &random) : nil
        }
        let text = String(
            String.UnicodeScalarView((0..<Int.random(in: 0...300, using: &random)).map { _ in scalar(&random) }))
        let payload = ByteBuffer(string: text)
        let split = Int.random(in: 0...payload.readableBytes, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0:
            WebSocketFrameEncoder.append(opcode: .text, payload: payload, masked: key(&random), to: &bytes)
            return [.text(payload)]
        case 1:
            let ping = ByteBuffer(string: "p")
            var rest = payload
            let head = rest.readSlice(length: split) ?? ByteBuffer()
            WebSocketFrameEncoder.append(opcode: .text, isFinal: false, payload: head, masked: key(&random), to: &bytes)
            WebSocketFrameEncoder.append(opcode: .ping, payload: ping, masked: key(&random), to: &bytes)
            WebSocketFrameEncoder.append(opcode: .continuation, payload: rest, masked: key(&random), to: &bytes)
            return [.ping(ping), .text(payload)]
        default:
            WebSocketFrameEncoder.append(opcode: .binary, payload: payload, masked: key(&random), to: &bytes)
            return [.binary(payload)]
        }
    }

    private func scalar(_ random: inout SeededGenerator) -> Unicode.Scalar {
        let ranges: [ClosedRange<UInt32>] = [
            0...0x7F, 0x80...0x7FF, 0x800...0xD7FF, 0xE000...0xFFFF, 0x10000...0x10FFFF,
        ]
        let range = ranges[Int.random(in: 0..<ranges.count, using: &random)]
        return Unicode.Scalar(UInt32.random(in: range, using: &random)) ?? "?"
    }

    /// A few frames, mostly well-formed, with a few bytes changed, dropped or added in half of the cases.
    private func mutated(_ random: inout SeededGenerator) -> [UInt8] {
        var bytes: [UInt8] = []
        let firsts: [UInt8] = [0x81, 0x82, 0x01, 0x02, 0x00, 0x80, 0x88, 0x89, 0x8A]
        for _ in 0..<Int.random(in: 1...5, using: &random) {
            let isText = Bool.random(using: &random)
            let payload = (0..<Int.random(in: 0...130, using: &random)).map { _ in
                isText ? UInt8.random(in: 0x20...0x7E, using: &random) : UInt8.random(in: .min ... .max, using: &random)
            }
            let key = (0..<4).map { _ in UInt8.random(in: .min ... .max, using: &random) }
            bytes += frame(firsts[Int.random(in: 0..<firsts.count, using: &random)], payload, key: key)
        }
        guard Bool.random(using: &random) else { return bytes }
        for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<3, using: &random) {
            case 0: bytes[place] = UInt8.random(in: .min ... .max, using: &random)
            case 1: bytes.remove(at: place)
            default: bytes.insert(UInt8.random(in: .min ... .max, using: &random), at: place)
            }
        }
        return bytes
    }

    private func isWithinLimits(_ event: WebSocketFrameReader.Event) -> Bool {
        switch event {
        case .text(let message):
            message.readableBytes <= limits.maxMessageBytes
                && String(validating: message.readableBytesView, as: UTF8.self) != nil
        case .binary(let message): message.readableBytes <= limits.maxMessageBytes
        case .ping(let payload), .pong(let payload): payload.readableBytes <= 125
        case .close(let code, let reason): (code?.mayBeSent ?? true) && reason.utf8.count <= 123
        }
    }
}
