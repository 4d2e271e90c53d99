import CrierTesting
import NIOHTTP1
import StrictJSON
import Testing
import WebSocketTransport

@testable import Gateway

@Suite struct RateTests {
    /// No token ever comes back, however long the test takes.
    private static func spent(after burst: Int) -> Rate { Rate(perSecond: 0, burst: burst) }

    private static func configuration(_ change: (inout ServerConfiguration) -> Void) -> ServerConfiguration {
        .forTests {
            $0.hasRateLimits = true
            $0.trustedProxy = .fly
            $0.addressRate = spent(after: 1000)
            $0.handshakeRate = spent(after: 1000)
            $0.socketRate = spent(after: 1000)
            change(&$0)
        }
    }

    @Test("an address that publishes faster than its rate is told to wait, others are not")
    func address() async throws {
        try await RunningServer.with(Self.configuration { $0.addressRate = Self.spent(after: 5) }) { server in
            let one = [("Fly-Client-IP", "192.0.2.1")]
            var refused: HTTPReply?
            for _ in 0..<50 where refused == nil {
                let reply = try await server.request("POST", "/a", headers: one, body: "x")
                if reply.status != 200 { refused = reply }
            }
            #expect(refused?.status == 429)
            #expect(refused?.code == 42901)
            #expect(refused?.header("retry-after") == "1")
            #expect(try await server.poll("/a/json?poll=1").count >= 5)
            try await server.raise("a", "other", headers: [("Fly-Client-IP", "192.0.2.2")])
        }
    }

    @Test("who opens sockets too often is refused before anyone is asked whose they are, and gets the place back")
    func handshakesBeforeLookups() async throws {
        let store = MoodyStore()
        let configuration = Self.configuration {
            $0.handshakeRate = Self.spent(after: 3)
            $0.addressSockets = 1
        }
        try await RunningServer.with(configuration, store: store) { server in
            store.setAway(true)
            let secret = [("Cookie", "crier_session=\(String(repeating: "0", count: 64))")]
            var statuses: [Int] = []
            for _ in 0..<4 { statuses.append(try await server.request("GET", "/a/sse", headers: secret).status) }
            #expect(statuses == [503, 503, 503, 429])
        }
    }

    @Test("a batch counts as its alerts")
    func batch() async throws {
        try await RunningServer.with(Self.configuration { $0.addressRate = Self.spent(after: 20) }) { server in
            let entries = (0..<20).map { #"{"labels":{"n":"\#($0)"}}"# }.joined(separator: ",")
            let first = try await server.request("POST", "/a/alertmanager", body: #"{"alerts":[\#(entries)]}"#)
            #expect(first.status == 200)
            let second = try await server.request("POST", "/a/alertmanager", body: #"{"alerts":[\#(entries)]}"#)
            #expect(second.code == 42901)
            #expect((Int(second.header("retry-after") ?? "") ?? 0) >= 1)
        }
    }

    @Test("a socket that publishes faster than its rate gets errors that say how long to wait")
    func socket() async throws {
        try await RunningServer.with(Self.configuration { $0.socketRate = Self.spent(after: 3) }) { server in
            let socket = try await server.duplex()
            var refused: JSONObject?
            for index in 0..<20 where refused == nil {
                let answer = try await socket.ask(#"{"op":"publish","ref":"\#(index)","topic":"a"}"#)
                if answer.event == "error" { refused = answer }
            }
            #expect(refused?.int("code") == 42901)
            #expect(refused?.int("retry_after") == 1)
            #expect(refused?.string("ref") != nil)
            let other = try await server.duplex()
            #expect(try await other.ask(#"{"op":"publish","ref":"r","topic":"a"}"#).event == "ack")
            try await other.leave()
            try await socket.leave()
        }
    }

    @Test("a socket that goes on sending although it was told to wait is closed with 4029")
    func impatience() async throws {
        try await RunningServer.with(Self.configuration { $0.socketRate = Self.spent(after: 1) }) { server in
            let socket = try await server.duplex()
            for index in 0..<250 { try await socket.send(text: #"{"op":"publish","ref":"\#(index)","topic":"a"}"#) }
            #expect(try await socket.nextClose() == .rateLimited)
        }
    }

    @Test("an address that opens sockets faster than its rate is refused, in each form")
    func handshakes() async throws {
        try await RunningServer.with(Self.configuration { $0.handshakeRate = Self.spent(after: 3) }) { server in
            for (index, path) in ["/ws", "/a/ws", "/a/sse", "/a/json", "/a/raw"].enumerated() {
                let headers: HTTPHeaders = ["Fly-Client-IP": "192.0.2.\(index)"]
                var refused: (status: Int?, code: Int?, headers: HTTPHeaders)?
                for _ in 0..<20 where refused == nil {
                    if path.hasSuffix("/ws") {
                        refused = try await server.refusal(of: path, headers: headers)
                    } else {
                        let reply = try await server.request(
                            "GET", "\(path)?poll=1", headers: headers.map { ($0.name, $0.value) })
                        if reply.status != 200 {
                            refused = (reply.status, reply.code, HTTPHeaders(reply.headers.map { ($0.name, $0.value) }))
                        }
                    }
                }
                #expect(refused?.status == 429, "\(path)")
                #expect(refused?.code == 42902, "\(path)")
                #expect(refused?.headers.first(name: "retry-after") == "1", "\(path)")
            }
        }
    }

    @Test("an address has so many sockets at once, and one that leaves makes place")
    func sockets() async throws {
        try await RunningServer.with(Self.configuration { $0.addressSockets = 2 }) { server in
            let one = try await server.duplex()
            let two = try await TestStream.open(port: server.port, "/a/sse")
            #expect(try await server.refusal(of: "/ws")?.code == 42903)
            #expect(try await server.request("GET", "/a/sse").status == 429)
            try await one.leave()
            try await server.awaitSockets(1)
            let three = try await server.duplex()
            await two.close()
            try await server.awaitSockets(1)
            // A poll takes a place as well, and gives it back.
            for _ in 0..<3 { _ = try await server.poll("/a/json?poll=1") }
            try await three.leave()
        }
    }

    @Test("a refused handshake keeps no place")
    func refusedHandshake() async throws {
        try await RunningServer.with(Self.configuration { $0.addressSockets = 1 }) { server in
            for _ in 0..<5 {
                #expect(try await server.request("GET", "/ws").status == 426)
                #expect(try await server.refusal(of: "/a/ws?since=soon")?.status == 400)
                #expect(try await server.request("GET", "/a/sse?since=soon").status == 400)
            }
            let socket = try await server.duplex()
            try await socket.leave()
        }
    }
}
