import CrierTesting
import Foundation
import MessageBus
import NIOConcurrencyHelpers
import Testing

@testable import GoogleBus

@Suite struct PubSubFuzzTests {
    private static let seeds = [
        #"{"receivedMessages":[{"ackId":"a1","message":{"data":"//4A","attributes":{"k":"v"},"messageId":"7","publishTime":"2027-01-15T08:00:00.123Z"}}]}"#,
        #"{"messageIds":["1"]}"#,
        #"{"name":"n","topic":"t","labels":{"a":"b"},"messageRetentionDuration":"600.123456789s"}"#,
        #"{"subscriptions":["projects/crier-test/subscriptions/ID_a"],"nextPageToken":""}"#,
        errorBody(403, "PERMISSION_DENIED", "no", reason: "IAM_PERMISSION_DENIED", metadata: #"{"permission":"p"}"#),
        #"{"error":{"code":503,"details":[{"@type":"google.rpc.RetryInfo","retryDelay":"-315576000000.999999999s"}]}}"#,
    ]

    private static func mutated(_ text: String, _ random: inout SeededGenerator) -> [UInt8] {
        var bytes = Array(text.utf8)
        for _ in 0..<Int.random(in: 1...6, using: &random) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes.remove(at: place)
            case 2: bytes.insert(contentsOf: bytes[place...].prefix(9), at: place)
            case 3: bytes.removeLast(bytes.count - place)
            default:
                let values = [
                    "null", "[]", "{}", "\"\"", "-1", "9e999", "true", "\"\\u0000\"", "\"99999999999999999999s\"",
                ]
                guard let colon = bytes[place...].firstIndex(of: UInt8(ascii: ":")) else { continue }
                let end = bytes[(colon + 1)...].firstIndex { ",}]".utf8.contains($0) } ?? bytes.count
                bytes.replaceSubrange((colon + 1)..<end, with: Array(values.randomElement(using: &random)!.utf8))
            }
        }
        return bytes
    }

    @Test("whatever the server answers, calls end with an answer or an error", arguments: [200, 403, 503])
    func bodies(status: Int) async throws {
        let random = NIOLockedValueBox(SeededGenerator(seed: UInt64(status)))
        let next: @Sendable () -> String = {
            random.withLockedValue { random in
                String(decoding: Self.mutated(Self.seeds.randomElement(using: &random)!, &random), as: UTF8.self)
            }
        }
        try await APIFixture.with(.by { _ in .reply(status, next()) }) { (api, _) async throws in
            for _ in 0..<150 {
                _ = await failure { try await api.topic() }
                _ = await failure {
                    try await api.pull("ID_a", atMost: 1, within: .seconds(1))
                }
                _ = await failure { try await api.subscription("ID_a") }
                _ = await failure {
                    try await api.publish([OutgoingMessage(data: [1], attributes: [:], orderingKey: "")])
                }
                let error = await failure { try await api.subscriptions() }
                if status != 200 { #expect(error != nil) }
                if let error { #expect(!BusError(error).message.unicodeScalars.contains { $0.value < 32 }) }
            }
        }
    }

    @Test("what is no HTTP is an error")
    func garbage() async throws {
        var random = SeededGenerator(seed: 7)
        for count in [0, 1, 40, 5_000] {
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            for bytes in [
                bytes, Array("HTTP/1.1 200 OK\r\n".utf8) + bytes,
                Array("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n".utf8),
            ] {
                try await APIFixture.with(.by { _ in .garbage(bytes) }) { (api, _) async throws in
                    let error = await failure { try await api.topic() }
                    #expect(error.map { [.unavailable, .backend].contains($0.code) } == true, "\(error as Any)")
                }
            }
        }
    }

    @Test("durations are read as Google writes them, and nothing else is")
    func durations() {
        #expect(GoogleDuration.parse("600s") == .seconds(600))
        #expect(GoogleDuration.parse("0.000000001s") == .nanoseconds(1))
        #expect(GoogleDuration.parse("3.5s") == .milliseconds(3500))
        #expect(GoogleDuration.parse("-3.5s") == .milliseconds(-3500))
        for text in [
            "", "s", "600", "1.s", ".5s", "1.0000000001s", "1e3s", "+1s", "--1s", "99999999999999999999s",
            "315576000001s", "1 s", "٣s",
        ] {
            #expect(GoogleDuration.parse(text) == nil, "\(text)")
        }
        #expect(GoogleDuration.format(.milliseconds(600_001)) == "601s")
        #expect(GoogleDuration.format(.seconds(600)) == "600s")
    }
}
