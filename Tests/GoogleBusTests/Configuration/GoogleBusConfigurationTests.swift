import Testing

@testable import GoogleBus

@Suite struct GoogleBusConfigurationTests {
    private func problem(_ change: (inout GoogleBusConfiguration) -> Void) async -> GoogleBusSetupError? {
        var configuration = GoogleBusConfiguration()
        change(&configuration)
        do throws(GoogleBusSetupError) {
            await (try PubSubAPI(configuration, logger: APIFixture.logger)).shutdown()
            return nil
        } catch {
            return error
        }
    }

    @Test(
        "topics are named by Google's rules",
        arguments: [
            ("abc", true), ("ALIEN_NOTIFICATIONS", true), ("a-_.~+%9", true),
            (String(repeating: "a", count: 255), true),
            ("goo", true), ("Google", true), ("", false), ("ab", false), ("1abc", false), ("-abc", false),
            ("google-x", false), ("a/bc", false), ("a bc", false), ("abü", false),
            (String(repeating: "a", count: 256), false), ("a\nbc", false), ("[abc", false), ("@abc", false),
        ])
    func topics(name: String, isValid: Bool) async {
        #expect(ResourceNames.isValid(name) == isValid)
        let error = await problem {
            $0.topic = name
            $0.emulatorHost = "127.0.0.1:1"
        }
        #expect((error == nil) == isValid)
        if let error { #expect(error.setting == "PUBSUB_TOPIC") }
    }

    @Test(
        "projects are ids or numbers",
        arguments: [
            ("crier-test", true), ("abcdef", true), ("123456789012", true), ("example.com:my-project", true),
            ("a23456789012345678901234567890", true), ("", false), ("abcde", false), ("My-Project", false),
            ("crier-", false), ("1crier", false), ("crier/test", false), ("a234567890123456789012345678901", false),
            ("example:my-project", false), (".com:my-project", false), ("my project", false), ("crier_test", false),
        ])
    func projects(name: String, isValid: Bool) async {
        #expect(ResourceNames.isProject(name) == isValid)
        let error = await problem { $0.project = name }
        #expect((error == nil) == isValid)
        if let error { #expect(error.setting == "GOOGLE_CLOUD_PROJECT") }
    }

    @Test("an emulator takes short names, and has a project where none is set")
    func emulator() async throws {
        for name in ["t", "test_1", "example.com:x"] {
            #expect(
                await problem {
                    $0.project = name
                    $0.emulatorHost = "localhost:8085"
                } == nil)
        }
        for name in ["", "a/b", "a%2Fb", "a b"] {
            #expect(
                await problem {
                    $0.project = name
                    $0.emulatorHost = "localhost:8085"
                }?.setting == "GOOGLE_CLOUD_PROJECT")
        }
        var configuration = GoogleBusConfiguration()
        configuration.emulatorHost = "localhost:8085"
        let api = try PubSubAPI(configuration, logger: APIFixture.logger)
        #expect(try await api.projectID() == "crier-local")
        await api.shutdown()
    }

    @Test(
        "regions become locational endpoints",
        arguments: [
            ("europe-west1", true), ("us-central1", true), ("northamerica-northeast2", true), ("", false),
            ("europe", false), ("Europe-west1", false), ("evil.example/x-", false), ("europe-west1.", false),
        ])
    func regions(name: String, isValid: Bool) async throws {
        var configuration = GoogleBusConfiguration()
        configuration.region = name
        let endpoints = try? GoogleEndpoints(configuration)
        #expect(endpoints?.api == (isValid ? "https://\(name)-pubsub.googleapis.com" : nil))
        if !isValid { #expect(await problem { $0.region = name }?.setting == "PUBSUB_REGION") }
    }

    @Test(
        "an emulator's host is a host and a port",
        arguments: [
            ("127.0.0.1:8085", true), ("localhost:1", true), ("[::1]:8085", true), ("pubsub_emulator", true),
            ("", false), ("http://localhost:8085", false), ("localhost:0", false), ("localhost:65536", false),
            ("localhost:", false), ("a b:1", false), ("[::1", false), ("[x]:1", false), ("a/b:1", false),
            (":8085", false),
        ])
    func hosts(host: String, isValid: Bool) async {
        #expect((await problem { $0.emulatorHost = host } == nil) == isValid)
        #expect((await problem { $0.metadataHost = host } == nil) == isValid)
    }

    @Test("without an emulator or a region, Google's own servers are spoken to")
    func endpoints() throws {
        let endpoints = try GoogleEndpoints(GoogleBusConfiguration())
        #expect(
            endpoints
                == GoogleEndpoints(api: "https://pubsub.googleapis.com", metadata: "http://metadata.google.internal"))
        var configuration = GoogleBusConfiguration()
        configuration.metadataHost = "169.254.169.254"
        #expect(try GoogleEndpoints(configuration).metadata == "http://169.254.169.254")
        #expect(configuration.topic == "ALIEN_NOTIFICATIONS")
    }

    @Test("a key that names no project needs one in the settings, and an emulator looks at no key")
    func keyProject() async throws {
        let json = try KeyFixture.json(tokenURL: "https://a.example", changing: ["project_id": nil])
        #expect(await problem { $0.serviceAccountJSON = json }?.setting == "GOOGLE_CLOUD_PROJECT")
        #expect(
            await problem {
                $0.serviceAccountJSON = json
                $0.project = "crier-test"
            } == nil)
        #expect(await problem { $0.serviceAccountJSON = "x" }?.setting == "GOOGLE_SERVICE_ACCOUNT_JSON")
        #expect(
            await problem {
                $0.serviceAccountJSON = "x"
                $0.emulatorHost = "127.0.0.1:1"
            } == nil)
    }
}
