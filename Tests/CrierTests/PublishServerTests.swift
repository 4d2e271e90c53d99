import ArgumentParser
import Testing

@testable import Crier

struct PublishServerTests {
    @Test(arguments: [
        ("http://localhost:8080", "http://localhost:8080"), ("https://example.com/", "https://example.com"),
        ("HTTPS://Example.com/base//", "https://Example.com/base"), ("http://[::1]:80", "http://[::1]:80"),
    ])
    func serverAddressesAreTakenWithoutTheirLastSlash(argument: String, address: String) {
        #expect(ServerURL(argument: argument)?.description == address)
    }

    @Test(arguments: [
        "", "example.com", "ftp://example.com", "http://", "http:///x", "http://:80", "http://a b", "http://é.com",
        "http://user@example.com", "http://example.com?x", "http://example.com#x", "http://example.com\r\nX: y",
    ])
    func everythingElseIsNoServerAddress(argument: String) {
        #expect(ServerURL(argument: argument) == nil)
    }

    @Test func pathsAndQueriesAreEncoded() throws {
        let server = try #require(ServerURL(argument: "http://h/base"))
        #expect(server.path("") == "http://h/base/")
        #expect(
            server.path("a,b/json", query: [("since", "1 h&x"), ("tags", "é,\u{7}")])
                == "http://h/base/a,b/json?since=1%20h%26x&tags=%C3%A9%2C%07")
    }

    @Test func optionsGoBeforeTheEnvironmentAndThatBeforeTheDefault() throws {
        let environment = ["CRIER_URL": "http://env", "CRIER_TOKEN": "secret"]
        let given = try ServerOptions.parse(["--server", "http://given", "--token", "own"])
        let absent = try ServerOptions.parse([])
        #expect(try given.resolvedServer { environment[$0] }.description == "http://given")
        #expect(try given.resolvedToken { environment[$0] } == "own")
        #expect(try absent.resolvedServer { environment[$0] }.description == "http://env")
        #expect(try absent.resolvedToken { environment[$0] } == "secret")
        #expect(try absent.resolvedServer { _ in nil } == .local)
        #expect(try absent.resolvedServer { _ in "" } == .local)
        #expect(try absent.resolvedToken { _ in "" } == nil)
        #expect(throws: (any Error).self) { try absent.resolvedServer { _ in "nonsense" } }
        #expect(throws: (any Error).self) { try absent.resolvedToken { _ in "a\nb" } }
    }
}
