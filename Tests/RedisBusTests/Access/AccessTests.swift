import CrierTesting
import Foundation
import MessageBus
import Testing

@testable import RedisBus

@Suite(.serialized)
struct AccessTests {
    @Test("A password, a user, a database and a unix socket are what the URL says")
    func ways() async throws {
        let socket = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString.prefix(8)).sock").path
        try await withRedis(extra: ["--requirepass", "p@ss:wörd", "--unixsocket", socket]) { server in
            let auth = ["-a", "p@ss:wörd", "--no-auth-warning"]
            try await server.command(auth + ["ACL", "SETUSER", "crier", "on", ">x", "~*", "&*", "+@all"])
            let host = "127.0.0.1:\(server.port)"
            let password = "p%40ss%3Aw%C3%B6rd"
            let ways = [
                ("redis://:\(password)@\(host)", 0), ("redis://default:\(password)@\(host)/3", 3),
                ("redis://crier:x@\(host)/4", 4), ("unix://:\(password)@\(socket)?db=5", 5),
            ]
            for (url, database) in ways {
                try await withStore(url) { store in
                    _ = try await store.append("a")
                    #expect(try await store.messages() == ["a"])
                }
                let length = try await server.command(auth + ["-n", "\(database)", "XLEN", "{test}:log"])
                #expect(length == "1", "\(url)")
            }
        }
    }

    @Test("Who is not let in is told so, without the password")
    func refused() async throws {
        try await withRedis(extra: ["--requirepass", "hunter2"]) { server in
            let auth = ["-a", "hunter2", "--no-auth-warning"]
            try await server.command(auth + ["ACL", "SETUSER", "weak", "on", ">hunter3", "~*", "&*", "+@all", "-info"])
            let host = "127.0.0.1:\(server.port)"
            for url in ["redis://\(host)", "redis://:hunter4@\(host)", "redis://weak:hunter3@\(host)"] {
                try await withStore(url) { store in
                    let failure = await #expect(throws: BusError.self) { try await store.open(seen: .origin) }
                    #expect(failure?.code == .backend)
                    #expect(failure?.message.contains("hunter") == false)
                }
            }
        }
    }

    @Test("A user needs no more rights than the documentation says")
    func rights() async throws {
        let commands = [
            "auth", "select", "role", "info", "client|setname", "script|load", "eval", "evalsha", "time", "get", "set",
            "exists", "del", "hget", "hmget", "hset", "xadd", "xinfo|stream", "xrange", "xrevrange", "xread", "zadd",
            "zrange", "zrangebyscore", "zrem", "publish", "subscribe",
        ]
        try await withRedis { server in
            let rules = ["on", ">x", "~{test}:*", "&ID_*", "&{test}:hint", "-@all"] + commands.map { "+" + $0 }
            try await server.command(["ACL", "SETUSER", "crier"] + rules)
            try await withStore("redis://crier:x@127.0.0.1:\(server.port)") { store in
                let load = VMLoad(sockets: 0, position: .origin)
                _ = try await store.join(vm("one"), load: load)
                _ = try await store.append([record("a", key: "k", healedFrom: .origin)], seen: .origin)
                #expect(try await store.messages() == ["a"])
                _ = try await store.bounds(beforeLast: 1)
                let feed = try await store.feed(of: vm("one"))
                try await feed.probe(within: .seconds(3))
                await feed.close()
                #expect(try await store.renew(vm("one"), load: load).isCurrent)
                #expect(try await store.members().members.count == 1)
                #expect(try await store.reap(lease: .milliseconds(-1000)).count == 1)
                try await store.leave(vm("one"))
            }
            #expect(try await server.command(["ACL", "LOG"]).isEmpty)
        }
    }

    @Test("A replica is refused")
    func replica() async throws {
        try await withRedis { master in
            try await withRedis(replicaOf: master.port) { replica in
                try await withStore(replica.url) { store in
                    let failure = await #expect(throws: BusError.self) { try await store.open(seen: .origin) }
                    #expect(failure?.code == .unavailable)
                    #expect(failure?.message.contains("replica") == true)
                }
            }
        }
    }

    @Test("A master that became a replica is left, and found again when it is the master again")
    func demotion() async throws {
        try await withRedis { server in
            try await withStore(server.url) { store in
                let before = try await store.append("a")[0]
                try await server.command(["REPLICAOF", "127.0.0.1", "1"])
                let failure = await #expect(throws: BusError.self) { try await store.append("b") }
                #expect(failure?.code == .unavailable)
                try await server.command(["REPLICAOF", "NO", "ONE"])
                try await eventually("the store's return") {
                    guard let after = try? await store.append("c").first else { return false }
                    return after > before
                }
            }
        }
    }

    @Test("TLS is used, and the server's certificate is checked")
    func tls() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let good = try await certificate("good", in: folder, names: "DNS:localhost,IP:127.0.0.1")
        let wrong = try await certificate("wrong", in: folder, names: "DNS:elsewhere.example")
        for (certificate, isAccepted) in [(good, true), (wrong, false)] {
            let port = try ServerProcess.freePort()
            let extra = [
                "--tls-port", "\(port)", "--tls-cert-file", certificate.file, "--tls-key-file", certificate.key,
                "--tls-auth-clients", "no", "--tls-ca-cert-file", certificate.file,
            ]
            try await withRedis(extra: extra) { server in
                for host in ["localhost", "127.0.0.1"] {
                    try await withStore("rediss://\(host):\(port)?ca=\(certificate.file)") { store in
                        if isAccepted {
                            _ = try await store.append("a")
                            let clients = try await server.command(["CLIENT", "LIST"])
                            #expect(clients.contains("name=crier"))
                        } else {
                            let failure = await #expect(throws: BusError.self) { try await store.open(seen: .origin) }
                            #expect(failure?.code == .unavailable)
                            #expect(failure?.message.lowercased().contains("host") == true)
                        }
                    }
                }
                // Nobody vouches for it without the file.
                try await withStore("rediss://localhost:\(port)") { store in
                    let failure = await #expect(throws: BusError.self) { try await store.open(seen: .origin) }
                    #expect(
                        failure?.message.lowercased().contains("certificate") == true, "\(String(describing: failure))")
                }
            }
        }
        #expect(throws: RedisURLError.certificate(file: "/nowhere")) {
            try RedisConnector(RedisURL("rediss://localhost?ca=/nowhere"))
        }
    }

    /// A certificate that signs itself.
    private func certificate(
        _ name: String, in folder: URL, names: String
    ) async throws -> (file: String, key: String) {
        let file = folder.appending(path: name + ".pem").path
        let key = folder.appending(path: name + ".key").path
        let openssl = try ServerProcess(
            ServerProcess.find("openssl"),
            [
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=\(name)", "-addext",
                "subjectAltName=\(names)", "-keyout", key, "-out", file,
            ], log: folder.appending(path: "openssl.log"))
        try await openssl.end()
        return (file, key)
    }

    @Test("A Redis that is older than what is needed is refused, by its name")
    func version() throws {
        let endpoint = RedisEndpoint.tcp(host: "here", port: 1)
        let info = { (version: String) in
            RESPValue.bytes(Array("# Server\r\nredis_version:\(version)\r\nredis_mode:standalone\r\n".utf8))
        }
        for version in ["5.0.0", "6.2.14", "7.0.15", "10.1.0"] {
            try RedisGreeting.check(info: info(version), of: endpoint)
        }
        let failure = #expect(throws: RedisFailure.self) { try RedisGreeting.check(info: info("4.0.9"), of: endpoint) }
        #expect(failure?.message.contains("4.0.9") == true)
        #expect(throws: RedisFailure.self) { try RedisGreeting.check(info: .bytes([]), of: endpoint) }
    }
}
