import CrierTesting
import MessageBus
import Testing

@testable import PostgresBus

extension PostgresTests {
    /// How the schema comes to be.
    struct SchemaTests {
        @Test("Eight VMs that start at once agree on one schema and one epoch")
        func migratesOnce() async throws {
            let url = try server.url
            let namespace = namespace()
            let states = try await withThrowingTaskGroup(of: LogState.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        try await withStore(url, namespace: namespace) { try await $0.open(seen: .origin) }
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(states.count == 8)
            #expect(states.allSatisfy { $0 == states[0] })
            #expect(states[0].predecessor == .origin && states[0].head.offset == 0)
            #expect(try await server.query("SELECT count(*) FROM \(namespace).version") == "\(PostgresSchema.version)")
        }

        @Test("Epochs are tenths of seconds since 2025")
        func numbersEpochs() async throws {
            let before = Epoch.beginning(at: WallClock.system.now())
            let epoch = try await withStore(try server.url) { try await $0.open(seen: .origin).head.epoch }
            #expect(epoch >= before && epoch <= Epoch.beginning(at: WallClock.system.now()))
        }

        @Test(
            "A role that may not create the schema is told what to grant; where the schema is there, it needs no such right"
        )
        func saysWhatToGrant() async throws {
            let server = try server
            let namespace = namespace()
            let role = "role_\(namespace)"
            try await server.query("CREATE ROLE \(role) LOGIN")
            let url = "postgres://\(role)@127.0.0.1:\(server.port)/crier"
            try await withStore(url, namespace: namespace) { store in
                let error = await #expect(throws: BusError.self) { try await store.open(seen: .origin) }
                #expect(error?.code == .backend)
                #expect(error?.message.contains("GRANT CREATE ON DATABASE") == true, "\(error?.message ?? "")")
            }
            try await server.query("CREATE SCHEMA \(namespace) AUTHORIZATION \(role)")
            try await withStore(url, namespace: namespace) { _ = try await $0.open(seen: .origin) }
            try await server.query("REVOKE CREATE ON SCHEMA \(namespace) FROM \(role)")
            try await withStore(url, namespace: namespace) { store in
                let receipts = try await store.append([try record("a")], seen: .origin)
                #expect(receipts.count == 1)
            }
            try await server.query("REVOKE USAGE ON SCHEMA \(namespace) FROM \(role)")
            try await withStore(url, namespace: namespace) { store in
                let error = await #expect(throws: BusError.self) { try await store.open(seen: .origin) }
                #expect(error?.code == .backend)
                #expect(error?.message.contains("USAGE") == true, "\(error?.message ?? "")")
            }
        }

        @Test("A database or a role that is not there, and a port that nobody listens on, are told apart")
        func tellsWhatIsMissing() async throws {
            let port = try server.port
            let unused = try ServerProcess.freePort()
            for (url, code, words) in [
                ("postgres://crier@127.0.0.1:\(port)/nothing", BusError.Code.backend, "3D000"),
                ("postgres://nobody@127.0.0.1:\(port)/crier", .backend, "28000"),
                ("postgres://crier@127.0.0.1:\(unused)/crier", .unavailable, "refused"),
            ] {
                try await withStore(url) { store in
                    let error = await #expect(throws: BusError.self) { try await store.open(seen: .origin) }
                    #expect(error?.code == code, "\(error?.message ?? "")")
                    #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
                    #expect(error?.retryAfter == (code == .unavailable ? 1 : nil))
                }
            }
        }

        @Test("A password that is missing or wrong is said, and never repeated")
        func saysWrongPassword() async throws {
            let server = try server
            let role = "locked_\(namespace())"
            try await server.query("CREATE ROLE \(role) LOGIN PASSWORD 'right'")
            let file = try await server.query("SHOW hba_file")
            try await server.query(
                "COPY (SELECT 1) TO PROGRAM 'sed -i \"1i host all \(role) all scram-sha-256\" \(file)'")
            try await server.query("SELECT pg_reload_conf()")
            try await eventually("the new rule") {
                (try? await server.query("SELECT 1", as: role)) == nil
            }
            for password in ["", ":wr0ng-secret"] {
                try await withStore("postgres://\(role)\(password)@127.0.0.1:\(server.port)/crier") { store in
                    let error = await #expect(throws: BusError.self) { try await store.open(seen: .origin) }
                    #expect(error?.code == .backend)
                    #expect(error?.message.contains("28P01") == true, "\(error?.message ?? "")")
                    #expect(error?.message.contains("DATABASE_URL") == true, "\(error?.message ?? "")")
                    #expect(error?.message.contains("secret") == false)
                }
            }
        }
    }
}
