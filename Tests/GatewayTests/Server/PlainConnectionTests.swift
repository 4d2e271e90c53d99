import CrierTesting
import StrictJSON
import Testing

@testable import Gateway

/// Publishing requests that the event loops answer themselves, beside the same ones that the HTTP framework answers.
@Suite struct PlainConnectionTests {
    /// What a client can tell of an answer: everything but the alert's place and time.
    private struct Answer: Equatable {
        let status: Int
        let headers: [String]
        let members: [String]

        /// How long the body is, whether another answer follows, and when it was given.
        private static let framing = ["connection", "content-length", "date", "transfer-encoding"]

        init(_ reply: HTTPReply) throws {
            status = reply.status
            headers = reply.headers.filter { !Self.framing.contains($0.name) }
                .map { "\($0.name): \($0.value)" }.sorted()
            members = try reply.object().members.filter { !["id", "time", "time_ms"].contains($0.key) }
                .map { "\($0.key)=\($0.value)" }
        }
    }

    private static func head(_ target: String, _ headers: [String]) -> String {
        (["POST \(target) HTTP/1.1", "Host: h", "Connection: close"] + headers).joined(separator: "\r\n") + "\r\n"
    }

    @Test(
        "a request is answered alike on both ways",
        arguments: [
            ("/a", [], "text"), ("/a", [], ""),
            ("/a?title=T&priority=5", ["Tags: x,y", "X-Click: https://e.example/"], "text"),
            ("/", [], #"{"topic":"a","message":"m","data":{"n":[1,null]}}"#), ("/", [], #"{"message":"m"}"#),
            ("/", [], "{"),
            ("/a", ["Priority: 9"], "text"), ("/a", ["Idempotency-Key: k", "In: 10m"], "text"),
            ("/a", ["Content-Type: application/cloudevents+json"], #"{"specversion":"1.0"}"#),
            ("/a", ["Origin: https://evil.example"], "text"), ("/a", ["Title: =?UTF-8?B?SMO2cnQ=?="], "text"),
        ])
    func alike(_ target: String, _ headers: [String], _ body: String) async throws {
        try await RunningServer.with(.forTests()) { server in
            let plain = Self.head(target, headers + ["Content-Length: \(body.utf8.count)"]) + "\r\n" + body
            let chunk = body.isEmpty ? "" : String(body.utf8.count, radix: 16) + "\r\n\(body)\r\n"
            let framework =
                Self.head(target, headers + ["Transfer-Encoding: chunked"]) + "\r\n" + chunk + "0\r\n\r\n"
            let first = try Answer(try await server.exchange(Array(plain.utf8)))
            let second = try Answer(try await server.exchange(Array(framework.utf8)))
            // The second has the key of the first, and says so.
            #expect(first.status == second.status)
            #expect(first.headers == second.headers)
            #expect(first.members == second.members.filter { $0 != "duplicate=\(JSONValue.bool(true))" })
        }
    }

    @Test("a connection goes on after it was the framework's, and with a request that only the framework knows")
    func goesOn() async throws {
        try await RunningServer.with(.forTests()) { server in
            let connection = try await RawConnection.connect(port: server.port)
            let publish = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx"
            try await connection.send(publish + publish + "GET /health HTTP/1.1\r\nHost: h\r\n\r\n" + publish)
            let bytes = try await connection.read { bytes in
                var rest = bytes[...]
                return (0..<4).allSatisfy { _ in HTTPReply(reading: &rest) != nil }
            }
            var rest = bytes[...]
            let replies = (0..<4).compactMap { _ in HTTPReply(reading: &rest) }
            #expect(replies.map(\.status) == [200, 200, 200, 200])
            #expect(try replies[3].object().string("message") == "x")
            try await connection.close()
        }
    }

    @Test("a client that wants one answer gets it and then the end")
    func last() async throws {
        try await RunningServer.with(.forTests()) { server in
            let reply = try await server.request("POST", "/a", body: "x")
            #expect(reply.status == 200)
            #expect(reply.header("connection") == "close")
        }
    }

    @Test("a client that ends its side after a request still gets the answer")
    func halfClosed() async throws {
        try await RunningServer.with(.forTests()) { server in
            let connection = try await RawConnection.connect(port: server.port)
            try await connection.send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx")
            try await connection.closeOutput()
            var rest = try await connection.readToEnd()[...]
            #expect(HTTPReply(reading: &rest)?.status == 200)
            try await connection.close()
        }
    }

    @Test("a client that ends its side after several requests gets all answers")
    func halfClosedBehindSeveral() async throws {
        try await RunningServer.with(.forTests()) { server in
            let connection = try await RawConnection.connect(port: server.port)
            let publish = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx"
            try await connection.send(Array((String(repeating: publish, count: 5) + "POST /a HTTP/1.1\r\nHo").utf8))
            try await connection.closeOutput()
            var rest = try await connection.readToEnd()[...]
            var statuses: [Int] = []
            while let reply = HTTPReply(reading: &rest) { statuses.append(reply.status) }
            #expect(statuses == [200, 200, 200, 200, 200])
            try await connection.close()
        }
    }

    @Test("what comes behind a request that is being published waits, however much it is, and none of it is lost")
    func backlog() async throws {
        try await RunningServer.with(.forTests()) { server in
            let connection = try await RawConnection.connect(port: server.port)
            let text = String(repeating: "x", count: 4000)
            let publish = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 4000\r\n\r\n\(text)"
            let count = 60
            async let sent: Void = connection.send(Array(String(repeating: publish, count: count).utf8))
            // Each answer is over 400 bytes and ends with the only line feed that no carriage return precedes.
            let bytes = try await connection.read { bytes in
                guard bytes.count > count * 400, bytes.last == UInt8(ascii: "\n") else { return false }
                return bytes.indices.dropFirst().count {
                    bytes[$0] == UInt8(ascii: "\n") && bytes[$0 - 1] != UInt8(ascii: "\r")
                } == count
            }
            try await sent
            var rest = bytes[...]
            var ids: [String] = []
            while let reply = HTTPReply(reading: &rest) { ids.append(try reply.object().string("id") ?? "") }
            #expect(ids.count == count && ids == ids.sorted() && Set(ids).count == count)
            try await connection.close()
        }
    }
}
