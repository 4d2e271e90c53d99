import CrierTesting
import StrictJSON
import Testing

@testable import Gateway

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite struct PageTests {
    /// A folder with a page and a script, for the body's time.
    private static func withPage(_ body: @escaping @Sendable (RunningServer) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "crier-\(UUID().uuidString)")
        let page = folder.appending(path: "public")
        try FileManager.default.createDirectory(at: page, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data("<!doctype html><title>page</title>".utf8).write(to: page.appending(path: "index.html"))
        try Data("export {}".utf8).write(to: page.appending(path: "crier.js"))
        try Data("secret".utf8).write(to: folder.appending(path: "secret.txt"))
        let directory = page.path(percentEncoded: false)
        try await RunningServer.with(.forTests { $0.publicDirectory = directory }, body)
    }

    @Test("the root and every topic have the page, and the script is a file")
    func page() async throws {
        try await Self.withPage { server in
            for target in ["/", "/a", "/Some-Topic_1", "/a?since=all"] {
                let reply = try await server.request("GET", target)
                #expect(reply.status == 200, "\(target)")
                #expect(reply.header("content-type") == "text/html; charset=utf-8")
                #expect(reply.text.contains("<title>page</title>"))
            }
            let script = try await server.request("GET", "/crier.js")
            #expect(script.text == "export {}")
            #expect(script.header("content-type")?.contains("javascript") == true)
            let tag = try #require(script.header("etag"))
            #expect(try await server.request("GET", "/crier.js", headers: [("If-None-Match", tag)]).status == 304)
        }
    }

    @Test(
        "nothing outside the folder is served",
        arguments: [
            "/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/public/../../secret.txt", "/....//secret.txt",
            "//etc/passwd", "/%00", "/a%00.js",
        ])
    func traversal(target: String) async throws {
        try await Self.withPage { server in
            let reply = try await server.request("GET", target)
            #expect((400..<500).contains(reply.status), "\(reply.status)")
            #expect(!reply.text.contains("secret") || reply.header("content-type") == "application/json")
            #expect(!reply.text.contains("root:"))
        }
    }

    @Test("every response has the headers that keep pages safe")
    func headers() async throws {
        try await Self.withPage { server in
            for (method, target) in [
                ("GET", "/"), ("GET", "/crier.js"), ("GET", "/errors"), ("GET", "/health"), ("GET", "/none/x/y"),
                ("POST", "/a"), ("POST", "/ws"),
            ] {
                let reply = try await server.request(method, target)
                #expect(reply.header("x-content-type-options") == "nosniff", "\(target)")
                #expect(
                    reply.header("content-security-policy")?.contains("frame-ancestors 'none'") == true, "\(target)")
                #expect(reply.header("referrer-policy") == "no-referrer", "\(target)")
                #expect(reply.header("x-frame-options") == "DENY", "\(target)")
                #expect(reply.header("date")?.hasSuffix(" GMT") == true, "\(target)")
                #expect(reply.header("server") == nil)
            }
        }
    }

    @Test("HEAD is as GET without the body")
    func head() async throws {
        try await Self.withPage { server in
            for target in ["/", "/a", "/errors", "/health", "/ready", "/crier.js"] {
                let get = try await server.request("GET", target)
                let head = try await server.request("HEAD", target)
                #expect(head.status == get.status, "\(target)")
                #expect(head.body.isEmpty)
                #expect(head.header("content-type") == get.header("content-type"), "\(target)")
                #expect(head.header("content-length") == get.header("content-length"), "\(target)")
            }
            for target in ["/a/publish?m=x", "/a/send", "/a/trigger", "/a/sse", "/a/ws", "/ws"] {
                let reply = try await server.request("HEAD", target)
                #expect(reply.status == 405, "\(target)")
                #expect(reply.header("allow")?.contains("GET") == true, "\(target)")
            }
            #expect(try await server.poll("/a/json?poll=1").isEmpty)
        }
    }

    @Test("the catalogue has an anchor for each code")
    func errors() async throws {
        try await RunningServer.with(.forTests()) { server in
            let text = try await server.request("GET", "/errors").text
            for code in ErrorCode.all { #expect(text.contains("<dt id=\"\(code.number)\">")) }
        }
    }

    @Test("a path that is nothing is 404, and one that takes other methods is 405 with Allow")
    func unknown() async throws {
        try await Self.withPage { server in
            for target in ["/a/b/c", "/a/nothing", "/missing.js", "/v1/nothing", "/a/"] {
                let reply = try await server.request("GET", target)
                if target != "/a/" {
                    #expect(reply.status == 404, "\(target)")
                    #expect(reply.code == 40401)
                }
            }
            for (method, target, allow) in [
                ("DELETE", "/a", "GET, HEAD, POST, PUT, OPTIONS"), ("PATCH", "/", "GET, HEAD, POST, PUT, OPTIONS"),
                ("POST", "/a/sse", "GET"),
                ("PUT", "/a/ws", "GET"), ("GET", "/a/alertmanager", "POST, OPTIONS"), ("POST", "/a/publish", "GET"),
                ("POST", "/health", "GET, HEAD"),
                ("POST", "/ws", "GET"), ("DELETE", "/v1/vms", "GET, HEAD"),
            ] {
                let reply = try await server.request(method, target)
                #expect(reply.status == 405, "\(method) \(target)")
                #expect(reply.code == 40501, "\(method) \(target)")
                #expect(reply.header("allow") == allow, "\(method) \(target)")
            }
        }
    }

    @Test("without a page the server still serves, and says that none is installed")
    func noPage() async throws {
        try await RunningServer.with(.forTests()) { server in
            let reply = try await server.request("GET", "/")
            #expect(reply.status == 404)
            #expect(try reply.object().string("error")?.contains("PUBLIC_DIR") == true)
            try await server.stillWorks()
        }
    }

    @Test("operators see health, readiness, the VM and metrics")
    func operators() async throws {
        try await RunningServer.with(.forTests()) { server in
            let reader = try await server.duplex()
            try await server.raise("a", "x")
            #expect(try await server.request("GET", "/health").object().string("status") == "ok")
            #expect(try await server.request("GET", "/v1/health").object()["healthy"]?.boolValue == true)
            let ready = try await server.request("GET", "/ready").object()
            #expect(ready.string("status") == "ready")
            #expect(ready.int("sockets") == 1)
            let vms = try await server.request("GET", "/v1/vms").object()["vms"]?.arrayValue ?? []
            let vm = try #require(vms.first?.objectValue)
            #expect(vms.count == 1)
            #expect(vm.string("subscription") == "ID_vm-1")
            #expect(vm.string("region") == "syd")
            #expect(vm.int("sockets") == 1)
            let metrics = try await server.request("GET", "/metrics")
            #expect(metrics.header("content-type") == "text/plain; version=0.0.4; charset=utf-8")
            #expect(metrics.text.contains("\ncrier_alerts_total 1\n"))
            try await reader.leave()
        }
    }
}
