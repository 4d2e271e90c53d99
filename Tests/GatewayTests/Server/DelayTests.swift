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
            let after = try #require(try await server.raise("b", "then").int("time"))
            #expect((before + 1...after + 2).contains(due))
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
            let stream = try await TestStream.open(port: server.port, "/a/json")
            #expect(try await stream.nextObject()?.event == "open")
            let waiting = [("Delay", "1h"), ("Idempotency-Key", "waiting")]
            let first = try await server.raise("a", "one", headers: waiting)
            let again = try await server.raise("a", "two", headers: waiting)
            #expect(first["duplicate"] == nil)
            #expect(again["duplicate"]?.boolValue == true)
            #expect(again.event == "scheduled")
            #expect(again.int("time") == first.int("time"))
            let due = [("Delay", "1s"), ("Idempotency-Key", "due")]
            #expect(try await server.raise("a", "three", headers: due)["duplicate"] == nil)
            #expect(try await stream.nextObject()?.string("message") == "three")
            let late = try await server.raise("a", "four", headers: [("Idempotency-Key", "due")])
            #expect(late["duplicate"]?.boolValue == true)
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
