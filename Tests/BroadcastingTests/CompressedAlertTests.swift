import CrierTesting
import NIOCore
import NIOEmbedded
import Testing
import WebSocketTransport

@testable import Broadcasting
@testable import MessageBus

struct CompressedAlertTests {
    private let text = String(repeating: "Machine 42 in region fra has restarted. ", count: 8)

    @Test(
        "A compressed alert says the same as a plain one, in fewer bytes",
        arguments: [WireForm.webSocket, .cloudEvents])
    func saysTheSame(_ form: WireForm) throws {
        let alert = EncodedAlert(ShardFixture().alert(text))
        let plain = bytes(of: alert, as: form)
        let deflated = bytes(of: alert, as: form.deflated)
        #expect(deflated.readableBytes < plain.readableBytes)
        #expect(try messages(deflated) == messages(plain))
        #expect(deflated.getInteger(at: 0, as: UInt8.self) == 0xC1)
    }

    /// JSON always gets shorter, so this alert's is none.
    @Test("What compression would not make shorter goes out plain, and that is found out once")
    func staysPlain() throws {
        var random = SeededGenerator(seed: 1)
        let noise = (0..<600).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        let draft = ShardFixture().alert().draft
        let alert = EncodedAlert(
            Alert(
                position: Position(epoch: 7, offset: 1),
                draft: Draft(
                    topic: draft.topic, content: draft.content, time: draft.time, sender: nil, region: draft.region,
                    key: nil, encoded: noise)))
        let plain = bytes(of: alert, as: .webSocket)
        #expect(bytes(of: alert, as: .deflatedWebSocket) == plain)
        #expect(bytes(of: alert, as: .deflatedWebSocket) == plain)
        #expect(alert.timesMade(.deflated) == 1)
    }

    @Test("One alert is compressed once for all audiences of all shards")
    func once() throws {
        let fixtures = (0..<3).map { _ in ShardFixture() }
        let alerts = (0..<5).map { EncodedAlert(fixtures[0].alert("\($0) " + text)) }
        let interests = { (fixture: ShardFixture) in
            [fixture.interest("a"), fixture.interest("a", "b"), fixture.interest("*")]
        }
        let readers = try fixtures.flatMap { fixture in
            try interests(fixture).flatMap { interest in
                try (0..<2).map { _ in try fixture.reader(interest, form: .deflatedWebSocket) }
            }
        }
        for fixture in fixtures {
            fixture.shard.submit(.batch(alerts) {})
            fixture.loop.run()
        }
        #expect(alerts.map { $0.timesMade(.deflated) } == [1, 1, 1, 1, 1])
        #expect(alerts.map { $0.timesMade(.deflatedCloudEvent) } == [0, 0, 0, 0, 0])
        let expected = alerts.map { String(decoding: $0.json, as: UTF8.self) }
        for reader in readers {
            let writes = reader.writes()
            #expect(writes.count == 1)
            #expect(try writes.flatMap(messages) == expected)
        }
    }

    @Test("Shards that ask for the same alert at the same time get the same bytes, made once")
    func concurrently() async throws {
        let alerts = (0..<50).map { EncodedAlert(ShardFixture().alert("\($0) " + text)) }
        let received = await withTaskGroup(of: ByteBuffer.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    var buffer = ByteBuffer()
                    for alert in alerts {
                        WireForm.deflatedWebSocket.append(alert, to: &buffer)
                        WireForm.deflatedCloudEvents.append(alert, to: &buffer)
                    }
                    return buffer
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(received.count == 8 && received.allSatisfy { $0 == received[0] })
        #expect(try messages(received[0]).count == 100)
        for made: EncodedAlert.Rarer in [.deflated, .cloudEvent, .deflatedCloudEvent] {
            #expect(alerts.allSatisfy { $0.timesMade(made) == 1 })
        }
    }

    @Test("Nothing is compressed for readers that did not ask for it")
    func costsNothing() throws {
        let fixture = ShardFixture()
        let forms = WireForm.allCases.filter { $0 != .deflatedWebSocket && $0 != .deflatedCloudEvents }
        let readers = try forms.map { try fixture.reader(fixture.interest("a"), form: $0) }
        let alert = EncodedAlert(fixture.alert(text))
        fixture.shard.submit(.batch([alert]) {})
        fixture.loop.run()
        for reader in readers { #expect(reader.writes().count == 1) }
        #expect(alert.timesMade(.deflated) == 0 && alert.timesMade(.deflatedCloudEvent) == 0)
        #expect(alert.timesMade(.line) == 1 && alert.timesMade(.cloudEvent) == 1)
    }

    @Test("Events that are not alerts stay plain", arguments: [WireForm.webSocket, .cloudEvents])
    func eventsStayPlain(_ form: WireForm) {
        let fixture = ShardFixture()
        for event in [
            StreamEvent.keepalive(cursor: fixture.position(1), time: fixture.clock.now),
            .busState(isAway: true, time: fixture.clock.now),
            .open(
                cursor: fixture.position(1), topics: text, vm: ShardFixture.vm, heartbeat: 45, time: fixture.clock.now),
        ] {
            var plain = ByteBuffer()
            form.append(event, to: &plain)
            var deflated = ByteBuffer()
            form.deflated.append(event, to: &deflated)
            #expect(deflated == plain)
        }
    }

    @Test("Sockets have a compressed form, streams have none, and none is renumbered")
    func forms() {
        #expect(WireForm.allCases.map(\.rawValue) == [0, 1, 2, 3, 4, 5, 6])
        #expect(
            WireForm.allCases.filter(\.isWebSocket) == [
                .webSocket, .cloudEvents, .deflatedWebSocket, .deflatedCloudEvents,
            ])
        for form in WireForm.allCases where form != .webSocket && form != .cloudEvents {
            #expect(form.deflated == form)
        }
    }

    private func bytes(of alert: EncodedAlert, as form: WireForm) -> ByteBuffer {
        var buffer = ByteBuffer()
        form.append(alert, to: &buffer)
        return buffer
    }

    /// The texts of the frames, as a client reads them that agreed on compression.
    private func messages(_ bytes: ByteBuffer) throws -> [String] {
        var bytes = bytes
        var reader = WebSocketFrameReader(role: .client, compression: PerMessageDeflate())
        var texts: [String] = []
        while let event = try reader.next(from: &bytes) {
            guard case .text(let text) = event else { throw NotText() }
            texts.append(String(buffer: text))
        }
        return texts
    }

    private struct NotText: Error {}
}
