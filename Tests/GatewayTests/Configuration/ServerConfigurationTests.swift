import MessageBus
import Testing

@testable import Gateway

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite struct ServerConfigurationTests {
    private func read(
        _ arguments: [String] = [], environment: [String: String] = [:]
    ) async throws -> ServerConfiguration {
        try ServerConfiguration(try await SettingsReader(arguments: arguments, environment: environment))
    }

    /// The key that the refusal names; `nil` where it is none.
    private func refusedKey(_ arguments: [String] = [], environment: [String: String] = [:]) async -> String? {
        do { _ = try await read(arguments, environment: environment) } catch let error as ConfigurationError {
            return error.description.hasPrefix("\(error.key): ") ? error.key : nil
        } catch {}
        return nil
    }

    private func withFile(_ text: String, _ body: (String) async throws -> Void) async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "crier-\(UUID().uuidString).conf")
        try Data(text.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        try await body(file.path(percentEncoded: false))
    }

    @Test("without settings the defaults hold, and the VM gets a random id")
    func defaults() async throws {
        let one = try await read()
        let two = try await read()
        #expect(one.port == 8080)
        #expect(one.host == "::")
        #expect(one.bus == BusConfiguration())
        #expect(one.bus.kind == .memory)
        #expect(one.vm.region == "local")
        #expect(one.vm.id != two.vm.id)
        #expect(one.vm.boot != two.vm.boot)
        #expect(one.retention == Retention(count: 10_000, age: 600_000, bytes: 67_108_864))
        #expect(one.allowedOrigins == .sameOrigin)
        #expect(one.trustedProxy == .none)
        #expect(!one.publishToken.isSet)
        #expect(one.hasRateLimits)
        #expect(one.logFormat == nil)
    }

    @Test("every setting is read")
    func all() async throws {
        let configuration = try await read(environment: [
            "PORT": "0", "HOST": "127.0.0.1", "BUS": "Postgres", "REDIS_URL": "redis://r",
            "DATABASE_URL": "postgres://d", "DATABASE_DIRECT_URL": "postgres://e", "BUS_NAMESPACE": "other_1",
            "LOG_COUNT": "5000", "GOOGLE_CLOUD_PROJECT": "my-project", "GOOGLE_APPLICATION_CREDENTIALS": "/k.json",
            "GOOGLE_SERVICE_ACCOUNT_JSON": #"{"type":"service_account"}"#, "PUBSUB_TOPIC": "TEST_ALERTS",
            "PUBSUB_REGION": "europe-west4", "PUBSUB_EMULATOR_HOST": "localhost:8085", "FLY_ALLOC_ID": "abc",
            "FLY_REGION": "syd",
            "PUBLISH_TOKEN": "s",
            "ALLOWED_ORIGINS": "https://a.example", "TRUSTED_PROXY": "forwarded", "RETENTION": "90s",
            "RETENTION_COUNT": "7",
            "RETENTION_BYTES": "65536", "DRAIN_SECONDS": "3", "RATE_LIMITS": "OFF", "SOCKET_RATE": "1/2",
            "ADDRESS_RATE": "3/4",
            "HANDSHAKE_RATE": "5/6", "ADDRESS_SOCKETS": "8", "MAX_TEXT": "9", "MAX_BODY": "1024", "MAX_TOPICS": "11",
            "MAX_PENDING": "65536", "PUBLIC_DIR": "/p", "THREADS": "2", "LOG_LEVEL": "DEBUG", "LOG_FORMAT": "json",
            "COMPRESSION": "on",
        ])
        #expect(configuration.port == 0)
        #expect(configuration.host == "127.0.0.1")
        #expect(configuration.bus.kind == .postgres)
        #expect(configuration.bus.redisURL == "redis://r")
        #expect(configuration.bus.databaseURL == "postgres://d")
        #expect(configuration.bus.databaseDirectURL == "postgres://e")
        #expect(configuration.bus.namespace == "other_1")
        #expect(configuration.bus.logCount == 5000)
        #expect(configuration.bus.pubSub.project == "my-project")
        #expect(configuration.bus.pubSub.credentialsFile == "/k.json")
        #expect(configuration.bus.pubSub.serviceAccountJSON == #"{"type":"service_account"}"#)
        #expect(configuration.bus.pubSub.topic == "TEST_ALERTS")
        #expect(configuration.bus.pubSub.region == "europe-west4")
        #expect(configuration.bus.pubSub.emulatorHost == "localhost:8085")
        #expect(configuration.vm.id == "abc")
        #expect(configuration.vm.subscription.name == "ID_abc")
        #expect(configuration.vm.region == "syd")
        #expect(configuration.publishToken.accepts("s"))
        #expect(!configuration.publishToken.accepts("t"))
        #expect(configuration.allowedOrigins == .list(["https://a.example"]))
        #expect(configuration.trustedProxy == .forwarded)
        #expect(configuration.retention == Retention(count: 7, age: 90_000, bytes: 65_536))
        #expect(configuration.drainSeconds == 3)
        #expect(!configuration.hasRateLimits)
        #expect(configuration.socketRate == Rate(perSecond: 1, burst: 2))
        #expect(configuration.addressRate == Rate(perSecond: 3, burst: 4))
        #expect(configuration.handshakeRate == Rate(perSecond: 5, burst: 6))
        #expect(configuration.addressSockets == 8)
        #expect(configuration.maximumText == 9)
        #expect(configuration.maximumBody == 1024)
        #expect(configuration.maximumTopics == 11)
        #expect(configuration.maximumPending == 65_536)
        #expect(configuration.publicDirectory == "/p")
        #expect(configuration.compresses)
        #expect(configuration.threads == 2)
        #expect("\(configuration.logLevel)" == "debug")
        #expect(configuration.logFormat == .json)
    }

    @Test("every setting is read from its flag too, in both forms", arguments: Setting.all.map(\.key))
    func flags(key: String) async throws {
        let flag = try #require(Setting.all.first { $0.key == key }).flag
        let reader = try await SettingsReader(arguments: [flag, "a=b"], environment: [key: "no"])
        #expect(Setting.all.first { $0.key == key }.flatMap { reader.text($0) } == "a=b")
        let joined = try await SettingsReader(arguments: ["\(flag)=--x=y"], environment: [:])
        #expect(Setting.all.first { $0.key == key }.flatMap { joined.text($0) } == "--x=y")
    }

    @Test("flags go before the environment and the environment before the file")
    func precedence() async throws {
        try await withFile("PORT=1\nDRAIN_SECONDS=1\nTHREADS=1\n# a comment\n") { path in
            let configuration = try await read(
                ["--config", path, "--port", "3"], environment: ["PORT": "2", "DRAIN_SECONDS": "2"])
            #expect(configuration.port == 3)
            #expect(configuration.drainSeconds == 2)
            #expect(configuration.threads == 1)
            let named = try await read(environment: ["CRIER_CONFIG": path])
            #expect(named.port == 1)
        }
    }

    @Test("a setting of nothing but blanks says nothing")
    func blanks() async throws {
        let configuration = try await read(environment: ["PORT": " ", "FLY_REGION": "", "PUBLISH_TOKEN": ""])
        #expect(configuration.port == 8080)
        #expect(configuration.vm.region == "local")
        #expect(!configuration.publishToken.isSet)
    }

    @Test("the machine's id stands in for the allocation's")
    func machine() async throws {
        #expect(try await read(environment: ["FLY_MACHINE_ID": "m"]).vm.id == "m")
        #expect(try await read(environment: ["FLY_MACHINE_ID": "m", "FLY_ALLOC_ID": "a"]).vm.id == "a")
    }

    @Test("on Fly its proxy is trusted, unless another is named")
    func fly() async throws {
        #expect(try await read(environment: ["FLY_APP_NAME": "x"]).trustedProxy == .fly)
        #expect(try await read(environment: ["FLY_APP_NAME": "x", "TRUSTED_PROXY": "none"]).trustedProxy == .none)
    }

    @Test(
        "a value that cannot be used is refused by its key",
        arguments: [
            ("PORT", ["x", "-1", "65536", "1.5", "80 80"]), ("BUS", ["kafka"]),
            ("FLY_ALLOC_ID", ["a b", "ä", String(repeating: "x", count: 61)]),
            ("FLY_REGION", ["a b", "s/d"]), ("ALLOWED_ORIGINS", ["example.com", "https://a/b"]),
            ("TRUSTED_PROXY", ["nginx"]),
            ("RETENTION", ["10", "x", "10w", "-1s"]), ("RETENTION_COUNT", ["0", "x"]), ("RETENTION_BYTES", ["1", "x"]),
            ("DRAIN_SECONDS", ["-1", "291"]), ("RATE_LIMITS", ["maybe", "1"]),
            ("SOCKET_RATE", ["10", "0/1", "1/0", "a/b", "1/2/3", "/"]),
            ("ADDRESS_RATE", ["10"]), ("HANDSHAKE_RATE", ["10"]), ("ADDRESS_SOCKETS", ["0"]),
            ("MAX_TEXT", ["0", "1048577"]),
            ("MAX_BODY", ["1023"]), ("MAX_TOPICS", ["0"]), ("MAX_PENDING", ["65535"]), ("THREADS", ["-1", "1025"]),
            ("COMPRESSION", ["deflate"]),
            ("LOG_LEVEL", ["loud"]), ("LOG_FORMAT", ["xml"]),
        ])
    func bad(key: String, values: [String]) async {
        for value in values {
            #expect(await refusedKey(environment: [key: value]) == key, "\(value)")
        }
    }

    @Test(
        "an argument that is no setting is refused by its name",
        arguments: [
            (["--prot", "1"], "--prot"), (["--port"], "--port"), (["8080"], "8080"), (["-p", "1"], "-p"),
            (["--x=1"], "--x"),
        ])
    func badArguments(arguments: [String], key: String) async {
        #expect(await refusedKey(arguments) == key)
    }

    @Test(
        "a bus without its address, or with a namespace that is none, is refused",
        arguments: [
            (["BUS": "redis"], "REDIS_URL"), (["BUS": "postgres"], "DATABASE_URL"), (["BUS": "kafka"], "BUS"),
            (["BUS_NAMESPACE": "Crier"], "BUS_NAMESPACE"), (["BUS_NAMESPACE": "1a"], "BUS_NAMESPACE"),
            (["BUS_NAMESPACE": "a\"b"], "BUS_NAMESPACE"), (["LOG_COUNT": "99"], "LOG_COUNT"),
        ])
    func bus(environment: [String: String], key: String) async throws {
        let error = await #expect(throws: ConfigurationError.self) { try await read(environment: environment) }
        #expect(error?.key == key)
    }

    @Test("Pub/Sub needs no setting of its own: the topic has a name, and the project is the key's or the machine's")
    func google() async throws {
        let bus = try await read(environment: ["BUS": "google"]).bus
        #expect(bus.kind == .google)
        #expect(bus.pubSub == PubSubConfiguration())
        #expect(bus.pubSub.topic == "ALIEN_NOTIFICATIONS")
        #expect(bus.pubSub.project == nil)
    }

    @Test("Pub/Sub's emulator needs its address alone")
    func emulator() async throws {
        let bus = try await read(environment: ["BUS": "google", "PUBSUB_EMULATOR_HOST": "localhost:8085"]).bus
        var expected = PubSubConfiguration()
        expected.emulatorHost = "localhost:8085"
        #expect(bus.pubSub == expected)
    }

    @Test("a token that begins as a flag does is a token")
    func tokenLikeFlag() async throws {
        for arguments in [["--publish-token", "--s"], ["--publish-token=--s"]] {
            #expect(try await read(arguments).publishToken.accepts("--s"))
            #expect(try await !read(arguments).publishToken.accepts(nil))
        }
    }

    @Test("of a flag that comes twice the last counts, and an empty one says nothing")
    func repeated() async throws {
        #expect(try await read(["--port", "1", "--port=2"]).port == 2)
        #expect(try await read(["--port="], environment: ["PORT": "3"]).port == 8080)
    }

    @Test("a file that is not there is refused")
    func noFile() async {
        #expect(await refusedKey(["--config", "/nonexistent/crier.conf"]) == "CRIER_CONFIG")
    }

    @Test("a refusal of a line of a file does not repeat what may be a secret's")
    func pastedSecret() async throws {
        let pasted = "GOOGLE_SERVICE_ACCOUNT_JSON={\n  \"private_key\": \"hush-hush\"\n}\n"
        try await withFile(pasted) { path in
            let error = await #expect(throws: ConfigurationError.self) { try await read(["--config", path]) }
            #expect(error?.key == "CRIER_CONFIG")
            #expect(error?.description.contains("line 2 of") == true)
            #expect(error?.description.contains("hush") == false)
        }
        try await withFile("PROT=1\n") { path in
            #expect(await refusedKey(["--config", path]) == "PROT")
        }
    }

    @Test("a refusal does not repeat the token, nor what is printed of the settings the key")
    func secret() async throws {
        let configuration = try await read(environment: [
            "PUBLISH_TOKEN": "hush-hush", "GOOGLE_SERVICE_ACCOUNT_JSON": "hush-hush",
        ])
        #expect(configuration.bus.pubSub.serviceAccountJSON == "hush-hush")
        var dumped = ""
        dump(configuration, to: &dumped)
        for text in ["\(configuration)", String(reflecting: configuration), dumped] {
            #expect(!text.contains("hush-hush"))
        }
        #expect(
            Setting.all.filter(\.isSecret).map(\.key)
                == [
                    "REDIS_URL", "DATABASE_URL", "DATABASE_DIRECT_URL", "GOOGLE_SERVICE_ACCOUNT_JSON", "PUBLISH_TOKEN",
                    "SIGN_IN_PASSWORD",
                ])
    }

    @Test("a rate holds at least one at once")
    func rate() {
        #expect(Rate(perSecond: 1, burst: 0).burst == 1)
    }
}
