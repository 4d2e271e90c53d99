import CrierTesting
import MessageBus
import Testing

@testable import PostgresBus

extension PostgresTests {
    /// What goes wrong between a VM and its database.
    struct FaultTests {
        @Test("A server that is killed again and again keeps all that was acknowledged, once")
        func keepsAcknowledged() async throws {
            let server = try await PostgresServer.start()
            let namespace = namespace()
            let url = server.url
            let acknowledged = try await withStore(url, namespace: namespace) { store in
                _ = try await store.open(seen: .origin)
                return try await withThrowingTaskGroup(of: [(String, Position)].self) { group in
                    for publisher in 0..<4 {
                        group.addTask { try await publish(publisher, to: url, namespace: namespace) }
                    }
                    for _ in 0..<3 {
                        let before = try await positions(in: namespace, on: server).count
                        try await eventually("more alerts") {
                            try await positions(in: namespace, on: server).count > before + 40
                        }
                        try await server.killAndRestart()
                    }
                    return try await group.reduce(into: []) { $0 += $1 }
                }
            }
            #expect(acknowledged.count == 4 * 50 * 3)
            let rows = try await server.query(
                #"SELECT convert_from(key, 'UTF8'), epoch, "offset" FROM \#(namespace).log ORDER BY epoch, "offset""#
            ).split(separator: "\n").map { $0.split(separator: "|").map(String.init) }
            let stored = Dictionary(grouping: rows, by: { $0[0] }).mapValues(\.count)
            #expect(stored.count == rows.count, "an alert stands in the log twice")
            for (key, position) in acknowledged {
                #expect(rows.contains([key, "\(position.epoch)", "\(position.offset)"]), "\(key) at \(position)")
            }
            let offsets = try await positions(in: namespace, on: server).map(\.offset)
            #expect(offsets == Array(1...UInt64(rows.count)))
            try await server.stop()
        }

        /// Publishes fifty batches, each as often as it takes.
        private func publish(
            _ publisher: Int, to url: String, namespace: String
        ) async throws -> [(String, Position)] {
            try await withStore(url, namespace: namespace) { store in
                var acknowledged: [(String, Position)] = []
                for batch in 0..<50 {
                    let keys = (0..<3).map { "\(publisher).\(batch).\($0)" }
                    let records = try keys.map { try record($0, key: $0) }
                    try await eventually("an acknowledgement", within: .seconds(30)) {
                        do {
                            let receipts = try await store.append(records, seen: .origin)
                            acknowledged += zip(keys, receipts.map(\.position))
                            return true
                        } catch let error as BusError {
                            #expect(error.code == .unavailable, "\(error)")
                            return false
                        }
                    }
                }
                return acknowledged
            }
        }

        @Test("A half-open link is found in time, by statements and by readers, and both recover")
        func findsHalfOpenLinks() async throws {
            let server = try server
            let proxy = try await FaultProxy.start(target: server.port)
            try await withStore(server.url(port: proxy.port)) { store in
                let head = try await store.open(seen: .origin).head
                let feed = try await store.feed(of: try vm("half-open"))
                await proxy.set(.drop)
                async let appended = failure { _ = try await store.append([try record("a")], seen: head) }
                async let read = failure { _ = try await feed.read(after: head, limit: 1, wait: .seconds(1)) }
                for (error, time) in try await [appended, read] {
                    #expect(error?.code == .unavailable, "\(String(describing: error))")
                    #expect(time < .milliseconds(4500))
                }
                // A link that cannot be made is not waited for by everyone.
                _ = try await failure { _ = try await store.members() }
                let (error, time) = try await failure { _ = try await store.members() }
                #expect(error?.code == .unavailable && error?.retryAfter == 1)
                #expect(time < .milliseconds(3000))
                let (opening, openingTime) = try await failure {
                    await (try store.feed(of: try vm("half-open"))).close()
                }
                #expect(opening?.code == .unavailable)
                #expect(openingTime < .milliseconds(4500))
                await proxy.set(.none)
                try await eventually("the recovery", within: .seconds(6)) {
                    (try? await store.append([try record("b")], seen: head)) != nil
                }
                let later = try await store.feed(of: try vm("half-open"))
                let reading = try await later.read(after: head, limit: 5, wait: .seconds(2))
                guard case .alerts = reading else {
                    Issue.record("\(reading)")
                    return
                }
                await later.close()
                await feed.close()
            }
            await proxy.stop()
        }

        /// What the body throws, and how long it takes.
        private func failure(_ body: () async throws -> Void) async throws -> (BusError?, Duration) {
            let start = ContinuousClock.now
            do { try await body() } catch let error as BusError { return (error, ContinuousClock.now - start) }
            return (nil, ContinuousClock.now - start)
        }

        @Test("Sessions that an operator ends are replaced: statements at once, readers when they are told")
        func survivesTermination() async throws {
            let server = try server
            try await withStore(server.url) { store in
                let head = try await store.open(seen: .origin).head
                let feed = try await store.feed(of: try vm("terminated"))
                async let reading = failure { _ = try await feed.read(after: head, limit: 1, wait: .seconds(20)) }
                try await server.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'crier'")
                let (error, time) = try await reading
                #expect(error?.code == .unavailable)
                #expect(time < .seconds(2))
                try await eventually("an append", within: .seconds(2)) {
                    (try? await store.append([try record("after")], seen: head)) != nil
                }
                await feed.close()
            }
        }

        @Test("A server that is away is said at once to whoever asks within the backoff")
        func saysAbsenceAtOnce() async throws {
            let port = try ServerProcess.freePort()
            try await withStore("postgres://crier@127.0.0.1:\(port)/crier") { store in
                for _ in 0..<200 {
                    let (error, time) = try await failure { _ = try await store.open(seen: .origin) }
                    #expect(error?.code == .unavailable && error?.retryAfter == 1)
                    #expect(time < .milliseconds(500))
                }
            }
        }

        @Test("What waits for a statement that takes too long is answered in time as well")
        func boundsWaiting() async throws {
            let server = try server
            let namespace = namespace()
            try await withStore(server.url, namespace: namespace) { store in
                _ = try await store.open(seen: .origin)
                async let holding = server.query(
                    "BEGIN; LOCK TABLE \(namespace).state; SELECT pg_sleep(7); COMMIT")
                try await eventually("the lock") {
                    try await server.query(
                        "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND query LIKE '%\(namespace)%'"
                    )
                        != "0"
                }
                await withTaskGroup(of: Void.self) { group in
                    for number in 0..<5 {
                        group.addTask {
                            do {
                                let (error, time) = try await failure {
                                    _ = try await store.append([try record("\(number)", key: "k")], seen: .origin)
                                }
                                #expect(error?.code == .unavailable)
                                #expect(time < .milliseconds(4500))
                            } catch { Issue.record("\(error)") }
                        }
                    }
                }
                _ = try await holding
                try await eventually("an append", within: .seconds(5)) {
                    (try? await store.append([try record("after", key: "k")], seen: .origin)) != nil
                }
                #expect(try await positions(in: namespace, on: server).count == 1)
            }
        }

        @Test(
            "Of several hosts one that answers nothing, and one that is a standby, do not keep the VM from the primary")
        func findsPrimary() async throws {
            let primary = try server
            let standby = try await primary.startStandby()
            let silent = try await FaultProxy.start(target: primary.port)
            await silent.set(.drop)
            let hosts = [silent.port, standby.port, primary.port].map { "127.0.0.1:\($0)" }.joined(separator: ",")
            try await withStore("postgres://crier@\(hosts)/crier") { store in
                try await eventually("an append", within: .seconds(60)) {
                    (try? await store.append([try record("a")], seen: .origin)) != nil
                }
            }
            await silent.stop()
            try await standby.stop()
        }

        @Test("A promoted standby that misses the log's end goes on in a new epoch, which says where it left off")
        func followsPromotion() async throws {
            let primary = try await PostgresServer.start()
            let namespace = namespace()
            let held = try await withStore(primary.url, namespace: namespace) { store in
                try await store.append(try records(0..<5), seen: .origin)[4].position
            }
            let standby = try await primary.startStandby()
            try await withStore(standby.url, namespace: namespace) { store in
                let error = await #expect(throws: BusError.self) { try await store.open(seen: .origin) }
                #expect(error?.code == .unavailable)
                #expect(error?.message.contains("standby") == true, "\(error?.message ?? "")")
            }
            try await standby.stop()
            let lost = try await withStore(primary.url, namespace: namespace) { store in
                let lost = try await store.append(try records(5..<8), seen: .origin)[2].position
                #expect(lost.epoch == held.epoch)
                return lost
            }
            try await primary.kill()
            try await standby.restart()
            try await standby.promote()
            try await withStore(standby.url, namespace: namespace) { store in
                // Nobody who knows of the lost alerts is needed for it.
                let state = try await store.open(seen: .origin)
                #expect(state.head.epoch > lost.epoch && state.head.offset == 0)
                #expect(state.predecessor == held)
                let receipts = try await store.append(try records(5..<6), seen: lost)
                #expect(receipts[0].position == Position(epoch: state.head.epoch, offset: 1))
                let feed = try await store.feed(of: try vm("promoted"))
                let reading = try await feed.read(after: held, limit: 5, wait: .seconds(1))
                guard case .alerts(let alerts) = reading else {
                    Issue.record("\(reading)")
                    return
                }
                #expect(alerts.map(\.predecessor) == [held])
                await feed.close()
            }
            try await standby.stop()
        }
    }
}
