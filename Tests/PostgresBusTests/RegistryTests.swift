import CrierTesting
import MessageBus
import Testing

@testable import PostgresBus

extension PostgresTests {
    /// Who is on the bus.
    struct RegistryTests {
        private let lease = Duration.seconds(15)

        @Test("A name belongs to the boot that took it last, and remembers its position")
        func fencesByBoot() async throws {
            try await withStore(try server.url) { store in
                let head = try await store.open(seen: .origin).head
                let old = try vm("same", boot: "old 'boot'")
                let new = try vm("same", boot: "new")
                let position = Position(epoch: 4, offset: 5)
                #expect(try await store.join(old, load: VMLoad(sockets: 1, position: .origin)) == nil)
                let renewal = try await store.renew(old, load: VMLoad(sockets: 2, position: position))
                #expect(renewal == Renewal(isCurrent: true, head: head))
                #expect(try await store.join(new, load: VMLoad(sockets: 3, position: .origin)) == position)
                #expect(try await store.renew(old, load: VMLoad(sockets: 99, position: .origin)).isCurrent == false)
                try await store.leave(old)
                let members = try await store.members()
                #expect(members.head == head)
                #expect(members.members.map(\.vm) == [new])
                #expect(members.members.map(\.load) == [VMLoad(sockets: 3, position: .origin)])
                let now = WallClock.system.now()
                #expect(abs(members.members[0].seen.milliseconds - now.milliseconds) < 10_000)
                try await store.leave(new)
                #expect(try await store.members().members.isEmpty)
                #expect(try await store.renew(new, load: VMLoad(sockets: 4, position: position)).isCurrent)
                #expect(try await store.members().members.map(\.load.sockets) == [4])
            }
        }

        @Test("Only a lease that was not renewed for long enough is reaped, by whoever comes first")
        func reapsWhatIsGone() async throws {
            let server = try server
            let namespace = namespace()
            try await withStore(server.url, namespace: namespace) { store in
                _ = try await store.open(seen: .origin)
                for id in ["gone", "late", "here"] {
                    _ = try await store.join(try vm(id), load: VMLoad(sockets: 0, position: .origin))
                }
                let age = { (id: String, seconds: Int) in
                    _ = try await server.query(
                        "UPDATE \(namespace).subscription SET seen = clock_timestamp() - interval '\(seconds) seconds' WHERE vm = '\(id)'"
                    )
                }
                try await age("gone", 16)
                try await age("late", 13)
                async let first = store.reap(lease: lease)
                async let second = store.reap(lease: lease)
                let (reaped, reapedToo) = try await (first, second)
                #expect((reaped + reapedToo).map(\.name) == ["ID_gone"])
                #expect(try await store.members().members.map(\.vm.id) == ["here", "late"])
            }
        }

        @Test("A lease that is renewed while it is reaped stays")
        func keepsRenewed() async throws {
            let server = try server
            let namespace = namespace()
            try await withStore(server.url, namespace: namespace) { store in
                _ = try await store.open(seen: .origin)
                let name = try vm("renewed")
                _ = try await store.join(name, load: VMLoad(sockets: 0, position: .origin))
                try await server.query(
                    "UPDATE \(namespace).subscription SET seen = clock_timestamp() - interval '1 hour'")
                // The renewal is under way: its row is locked, and the reaper waits for it.
                async let renewal = server.query(
                    """
                    BEGIN; UPDATE \(namespace).subscription SET seen = clock_timestamp(); SELECT pg_sleep(1); COMMIT
                    """)
                try await eventually("the renewal") {
                    try await server.query(
                        "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND query LIKE '%\(namespace)%'"
                    )
                        != "0"
                }
                let reaped = try await store.reap(lease: lease)
                _ = try await renewal
                #expect(reaped.isEmpty)
                #expect(try await store.members().members.map(\.vm) == [name])
            }
        }

        @Test("Rows that are nobody are left out")
        func ignoresNobody() async throws {
            let server = try server
            let namespace = namespace()
            try await withStore(server.url, namespace: namespace) { store in
                _ = try await store.open(seen: .origin)
                try await server.query(
                    """
                    INSERT INTO \(namespace).subscription
                    VALUES ('x', 'no id', 'b', 'r', -1, 0, 0, now(), now()), ('y', 'negative', 'b', 'r', 1, -1, 0, now(), now())
                    """)
                #expect(try await store.members().members.isEmpty)
            }
        }
    }
}
