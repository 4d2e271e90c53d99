import CrierTesting
import StrictJSON
import Testing

@testable import Gateway

@Suite struct DelayTests {
    @Test("a delayed alert is answered as scheduled and raised when it is due")
    func delayed() async throws {
        try await RunningServer.with(.forTests()) { server in
            let stream = try await TestStream.open(port: server.port, "/a/json")
            #expect(try await stream.nextObject()?.event == "open")
            let before = try #require(try await server.raise("b", "now").int("time"))
            let reply = try await server.raise("a", "later", headers: [("Delay", "1s"), ("Title", "T")])
            #expect(reply.event == "scheduled")
            #expect(reply["id"] == nil)
            #expect(reply.string("topic") == "a")
            let due = try #require(reply.int("time"))
            #expect((before + 1...before + 3).contains(due))
            #expect(try await server.poll("/a/json?poll=1").isEmpty)
            let raised = try #require(try await stream.nextObject())
            #expect(raised.string("message") == "later")
            #expect(raised.string("title") == "T")
            #expect((raised.int("time") ?? 0) >= due)
            await stream.close()
        }
    }

    @Test("a delayed alert's key is known while it waits and after")
    func key() async throws {
        try await RunningServer.with(.forTests()) { server in
            let headers = [("Delay", "1s"), ("Idempotency-Key", "k")]
            let first = try await server.raise("a", "one", headers: headers)
            let again = try await server.raise("a", "two", headers: headers)
            #expect(first["duplicate"] == nil)
            #expect(again["duplicate"]?.boolValue == true)
            #expect(again.int("time") == first.int("time"))
            let stream = try await TestStream.open(port: server.port, "/a/json")
            #expect(try await stream.nextObject()?.event == "open")
            let raised = try #require(try await stream.nextObject())
            #expect(raised.string("message") == "one")
            #expect(
                try await server.raise("a", "three", headers: [("Idempotency-Key", "k")])["duplicate"]?.boolValue
                    == true)
            await stream.close()
        }
    }

    @Test("the duplex protocol acknowledges when an alert is due")
    func duplex() async throws {
        try await RunningServer.with(.forTests()) { server in
            let socket = try await server.duplex()
            let ack = try await socket.ask(#"{"op":"publish","ref":"r","topic":"a","message":"x","delay":"1h"}"#)
            #expect(ack.string("ref") == "r")
            #expect(ack["id"] == nil)
            #expect((ack.int("scheduled") ?? 0) > 1_000_000)
            try await socket.leave()
        }
    }
}
