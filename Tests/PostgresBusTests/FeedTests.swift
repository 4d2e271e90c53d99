import CrierTesting
import MessageBus
import Testing

@testable import PostgresBus

extension PostgresTests {
    /// A subscription's way to the log.
    struct FeedTests {
        /// A store and a feed for the body, and the log's end.
        private func withFeed(
            _ id: String, namespace: String = namespace(),
            _ body: (PostgresLogStore, PostgresLogFeed, Position) async throws -> Void
        ) async throws {
            try await withStore(try server.url, namespace: namespace) { store in
                let head = try await store.open(seen: .origin).head
                let feed = try await store.feed(of: try vm(id))
                try await perform {
                    try await body(store, feed, head)
                } finally: {
                    await feed.close()
                }
            }
        }

        private func messages(_ reading: LogReading) -> [String]? {
            guard case .alerts(let alerts) = reading else { return nil }
            return alerts.map { Draft(encoded: $0.body, key: $0.key)?.content.message ?? "?" }
        }

        @Test("What is published is read at once")
        func readsAtOnce() async throws {
            try await withFeed("quick") { store, feed, head in
                // The log was looked at, and is not looked at for another second.
                #expect(messages(try await feed.read(after: head, limit: 10, wait: .zero)) == nil)
                let start = ContinuousClock.now
                async let reading = feed.read(after: head, limit: 10, wait: .seconds(5))
                let receipts = try await store.append(try records(0..<3), seen: head)
                #expect(messages(try await reading) == ["0", "1", "2"])
                #expect(ContinuousClock.now - start < .milliseconds(800))
                // Of what there is more it is told without waiting.
                let cursor = Position(epoch: head.epoch, offset: 0)
                #expect(messages(try await feed.read(after: cursor, limit: 2, wait: .zero)) == ["0", "1"])
                #expect(messages(try await feed.read(after: receipts[1].position, limit: 2, wait: .zero)) == ["2"])
            }
        }

        @Test("What was not notified is found within little more than a second")
        func polls() async throws {
            let namespace = namespace()
            let server = try server
            try await withFeed("polling", namespace: namespace) { store, feed, head in
                #expect(messages(try await feed.read(after: head, limit: 10, wait: .zero)) == nil)
                try await server.query(
                    """
                    UPDATE \(namespace).state SET last_offset = 1, held = 1;
                    INSERT INTO \(namespace).log (epoch, "offset", time, body) VALUES (\(head.epoch), 1, now(), '{}')
                    """)
                let start = ContinuousClock.now
                let reading = try await feed.read(after: head, limit: 10, wait: .seconds(10))
                #expect(messages(reading) == ["?"])
                #expect(ContinuousClock.now - start < .milliseconds(1800))
            }
        }

        @Test("A wait ends with its time, and when its task is cancelled")
        func endsWaits() async throws {
            try await withFeed("waiting") { store, feed, head in
                let start = ContinuousClock.now
                guard case .nothing = try await feed.read(after: head, limit: 1, wait: .milliseconds(300)) else {
                    Issue.record("something was read")
                    return
                }
                #expect(ContinuousClock.now - start < .seconds(1))
                let waiting = Task { try await feed.read(after: head, limit: 1, wait: .seconds(30)) }
                waiting.cancel()
                _ = try? await waiting.value
                #expect(ContinuousClock.now - start < .seconds(3))
                _ = try await store.append([try record("after")], seen: head)
                #expect(messages(try await feed.read(after: head, limit: 1, wait: .seconds(5))) == ["after"])
            }
        }

        @Test("Another boot's taking the name ends a wait at once; another namespace's does not")
        func hearsSuccessor() async throws {
            try await withFeed("taken") { store, feed, head in
                _ = try await store.join(try vm("taken"), load: VMLoad(sockets: 0, position: head))
                try await withStore(try server.url) { other in
                    _ = try await other.join(
                        try vm("taken", boot: "elsewhere"), load: VMLoad(sockets: 0, position: .origin))
                }
                guard case .nothing = try await feed.read(after: head, limit: 1, wait: .milliseconds(200)) else {
                    Issue.record("its own boot, or another namespace's, counts")
                    return
                }
                let start = ContinuousClock.now
                async let reading = feed.read(after: head, limit: 1, wait: .seconds(10))
                _ = try await store.join(try vm("taken", boot: "second"), load: VMLoad(sockets: 0, position: head))
                guard case .superseded = try await reading else {
                    Issue.record("not superseded")
                    return
                }
                #expect(ContinuousClock.now - start < .milliseconds(800))
                guard case .superseded = try await feed.read(after: head, limit: 1, wait: .zero) else {
                    Issue.record("not superseded any more")
                    return
                }
            }
        }

        @Test("A probe is heard beside a read and without one; a feed that no longer listens fails it")
        func probes() async throws {
            let namespace = namespace()
            try await withFeed("probing", namespace: namespace) { store, feed, head in
                try await feed.probe(within: .seconds(2))
                async let reading = feed.read(after: head, limit: 1, wait: .seconds(1))
                try await feed.probe(within: .seconds(2))
                _ = try await reading
                for channel in ["ID_probing", "\(namespace)_log"] {
                    let deaf = try await store.feed(of: try vm("probing"))
                    _ = try await deaf.connection.run("UNLISTEN \"\(channel)\"", until: .now + .seconds(2))
                    let error = await #expect(throws: BusError.self) {
                        try await deaf.probe(within: .milliseconds(500))
                    }
                    #expect(error?.code == .unavailable)
                    await deaf.close()
                }
            }
        }

        @Test("Closing ends a read, and nothing is read after it")
        func closes() async throws {
            try await withFeed("closing") { _, feed, head in
                let waiting = Task { try await feed.read(after: head, limit: 1, wait: .seconds(30)) }
                await feed.close()
                await feed.close()
                await #expect(throws: BusError.self) { try await waiting.value }
                await #expect(throws: BusError.self) { try await feed.read(after: head, limit: 1, wait: .seconds(30)) }
                await #expect(throws: BusError.self) { try await feed.probe(within: .seconds(2)) }
            }
        }
    }
}
