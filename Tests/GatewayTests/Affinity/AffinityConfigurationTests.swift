import Testing

@testable import Gateway

@Suite struct AffinityConfigurationTests {
    private func read(_ environment: [String: String]) async throws -> AffinityConfiguration {
        try ServerConfiguration(try await SettingsReader(arguments: [], environment: environment)).affinity
    }

    @Test("it is on on Fly and off elsewhere, unless something else is said")
    func mode() async throws {
        #expect(try await read([:]) == AffinityConfiguration())
        #expect(try await !read([:]).isOn)
        #expect(try await read(["FLY_APP_NAME": "a"]).isOn)
        #expect(try await read(["FLY_APP_NAME": "a", "AFFINITY": "auto"]).isOn)
        #expect(try await !read(["AFFINITY": "auto"]).isOn)
        #expect(try await !read(["FLY_APP_NAME": "a", "AFFINITY": "off"]).isOn)
        #expect(try await read(["AFFINITY": "On"]).isOn)
    }

    @Test("every setting is read")
    func all() async throws {
        let configuration = try await read([
            "AFFINITY": "on", "AFFINITY_STATUS": "101", "AFFINITY_REPLAY": "instance", "AFFINITY_STRICT": "on",
        ])
        #expect(configuration.status == 101)
        #expect(configuration.replay == .instance)
        #expect(configuration.isStrict)
        #expect(try await read(["AFFINITY_REPLAY": "prefer_instance"]).replay == .preferInstance)
        #expect(try await read(["AFFINITY_REPLAY": "region"]).replay == .region)
        #expect(try await read(["AFFINITY_STATUS": "200"]).status == 200)
        #expect(try await read(["AFFINITY_STATUS": "599"]).status == 599)
    }

    @Test(
        "a value that cannot be used is refused by its key",
        arguments: [
            ("AFFINITY", ["yes"]), ("AFFINITY_STATUS", ["100", "102", "199", "600", "-1", "307 ok"]),
            ("AFFINITY_REPLAY", ["app"]), ("AFFINITY_STRICT", ["maybe"]),
        ])
    func bad(key: String, values: [String]) async throws {
        for value in values {
            let error = await #expect(throws: ConfigurationError.self) { try await read([key: value]) }
            #expect(error?.key == key, "\(value)")
        }
    }
}
