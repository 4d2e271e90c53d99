import CrierTesting
import MessageBus
import Testing

@testable import RedisBus

@Suite(.serialized)
struct RegistryTests {
    private let load = VMLoad(sockets: 3, position: Position(epoch: 7, offset: 8))

    @Test("Who joins is listed as it said")
    func listed() async throws {
        try await withRedis { server in
            try await withStore(server.url) { store in
                let head = try await store.append("a")[0]
                #expect(try await store.join(vm("one"), load: load) == nil)
                _ = try await store.join(vm("two"), load: load)
                let before = WallClock.system.now()
                let renewal = try await store.renew(vm("one"), load: VMLoad(sockets: 9, position: head))
                #expect(renewal == Renewal(isCurrent: true, head: head))
                let registry = try await store.members()
                #expect(registry.head == head)
                #expect(registry.members.map(\.vm.id).sorted() == ["one", "two"])
                let one = try #require(registry.members.first { $0.vm.id == "one" })
                #expect(one.load == VMLoad(sockets: 9, position: head))
                #expect(one.since <= one.seen)
                #expect(abs(one.seen.milliseconds - before.milliseconds) < 5_000)
            }
        }
    }

    @Test("A newer boot takes the name over, and the older one can do nothing to it")
    func fencing() async throws {
        try await withRedis { server in
            try await withStore(server.url) { store in
                let older = vm("same", boot: "one")
                let newer = vm("same", boot: "two")
                _ = try await store.join(older, load: load)
                #expect(try await store.join(newer, load: VMLoad(sockets: 0, position: .origin)) == load.position)
                #expect(try await store.renew(older, load: load).isCurrent == false)
                try await store.leave(older)
                let members = try await store.members().members
                #expect(members.map(\.vm) == [newer])
                #expect(members.first?.load.sockets == 0)
                try await store.leave(newer)
                try await store.leave(newer)
                #expect(try await store.members().members.isEmpty)
                #expect(try await server.command(["EXISTS", "{test}:vm:ID_same", "{test}:vms"]) == "0")
            }
        }
    }

    @Test("Who does not renew is reaped, who does stays, and who comes back is entered again")
    func reaping() async throws {
        try await withRedis { server in
            try await withStore(server.url) { store in
                _ = try await store.join(vm("gone"), load: load)
                _ = try await store.join(vm("here"), load: load)
                #expect(try await store.reap(lease: .seconds(15)).isEmpty)
                // Redis's own clock decides; this puts a renewal into its past.
                try await server.command(["ZINCRBY", "{test}:vms", "-16000", "ID_gone"])
                #expect(try await store.reap(lease: .seconds(15)).map(\.name) == ["ID_gone"])
                #expect(try await store.reap(lease: .seconds(15)).isEmpty)
                #expect(try await store.members().members.map(\.vm) == [vm("here")])
                #expect(try await server.command(["EXISTS", "{test}:vm:ID_gone"]) == "0")
                #expect(try await store.renew(vm("gone"), load: load).isCurrent)
                #expect(try await store.members().members.count == 2)
            }
        }
    }

    @Test("Deployments with namespaces of their own do not see one another")
    func namespaces() async throws {
        try await withRedis { server in
            try await withStore(server.url, namespace: "one") { one in
                try await withStore(server.url, namespace: "two") { two in
                    _ = try await one.append("a")
                    _ = try await one.join(vm("same"), load: load)
                    #expect(try await two.messages().isEmpty)
                    #expect(try await two.members().members.isEmpty)
                    let feed = try await one.feed(of: vm("same"))
                    _ = try await one.join(vm("same"), load: load)
                    _ = try await two.join(vm("same", boot: "other"), load: load)
                    let reading = try await feed.read(
                        after: Position(epoch: .max, offset: 0), limit: 1, wait: .milliseconds(200))
                    guard case .nothing = reading else { throw ServerProcess.Failure("\(reading)") }
                    await feed.close()
                }
            }
        }
    }
}
