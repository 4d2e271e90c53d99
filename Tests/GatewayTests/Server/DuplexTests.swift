import CrierTesting
import NIOHTTP1
import StrictJSON
import Testing
import WebSocketTransport

@testable import Gateway

@Suite struct DuplexTests {
    @Test("a socket opens, subscribes, publishes, and gets what it published")
    func roundTrip() async throws {
        try await RunningServer.with(.forTests()) { server in
            let socket = try await server.socket(subprotocols: ["crier.v1"])
            #expect(socket.subprotocol == "crier.v1")
            let open = try await socket.nextObject()
            #expect(open.event == "open")
            #expect(open.string("vm") == "vm-1")
            #expect(open["topic"] == nil)
            let subscribed = try await socket.ask(#"{"op":"subscribe","ref":"1","topics":["b","a"]}"#)
            #expect(subscribed.string("ref") == "1")
            #expect(subscribed["topics"]?.description == #"["a","b"]"#)
            #expect(subscribed.string("id") == open.string("id"))
            try await socket.send(text: #"{"op":"publish","ref":"2","topic":"a","message":"hi","priority":5}"#)
            let frames = [try await socket.nextObject(), try await socket.nextObject()]
            let acknowledged = try #require(frames.first { $0.event == "ack" })
            let message = try #require(frames.first { $0.event == "message" })
            #expect(acknowledged.string("ref") == "2")
            #expect(acknowledged.string("id") == message.string("id"))
            #expect(acknowledged.int("time") == message.int("time"))
            #expect(message.int("priority") == 5)
            #expect(try await socket.ask(#"{"op":"ping","ref":"3"}"#).string("ref") == "3")
            try await socket.close()
            #expect(try await socket.nextClose() == .normal)
        }
    }

    @Test("requests without a ref are carried out and not acknowledged")
    func noRef() async throws {
        try await RunningServer.with(.forTests()) { server in
            let socket = try await server.duplex()
            try await socket.send(text: #"{"op":"subscribe","topics":["a"]}"#)
            try await socket.send(text: #"{"op":"ping"}"#)
            try await socket.send(text: #"{"op":"publish","topic":"a","message":"x"}"#)
            #expect(try await socket.nextObject().string("message") == "x")
            try await socket.leave()
        }
    }

    @Test("topics that are added are filled from since before the feed goes on")
    func adding() async throws {
        try await RunningServer.with(.forTests()) { server in
            for index in 0..<20 { try await server.raise(index % 2 == 0 ? "a" : "b", "\(index)") }
            let socket = try await server.duplex()
            _ = try await socket.ask(#"{"op":"subscribe","ref":"1","topics":["a"]}"#)
            try await server.raise("a", "live")
            #expect(try await socket.nextObject().string("message") == "live")
            let added = try await socket.ask(#"{"op":"subscribe","ref":"2","topics":["a","b"],"since":"all"}"#)
            #expect(added["topics"]?.description == #"["a","b"]"#)
            for index in stride(from: 1, to: 20, by: 2) {
                #expect(try await socket.nextObject().string("message") == "\(index)")
            }
            try await server.raise("b", "after")
            #expect(try await socket.nextObject().string("message") == "after")
            let again = try await socket.ask(#"{"op":"subscribe","ref":"3","topics":["b"],"since":"all"}"#)
            #expect(again.event == "ack")
            try await server.raise("a", "no replay before this")
            #expect(try await socket.nextObject().string("message") == "no replay before this")
            try await socket.leave()
        }
    }

    @Test("unsubscribing leaves the rest, and without topics nothing")
    func unsubscribing() async throws {
        try await RunningServer.with(.forTests()) { server in
            let socket = try await server.duplex()
            _ = try await socket.ask(#"{"op":"subscribe","ref":"1","topics":["a","b","c"]}"#)
            let left = try await socket.ask(#"{"op":"unsubscribe","ref":"2","topics":["b","x"]}"#)
            #expect(left["topics"]?.description == #"["a","c"]"#)
            try await server.raise("b", "no")
            try await server.raise("c", "yes")
            #expect(try await socket.nextObject().string("message") == "yes")
            let none = try await socket.ask(#"{"op":"unsubscribe","ref":"3"}"#)
            #expect(none["topics"]?.description == "[]")
            #expect(
                try await socket.ask(#"{"op":"unsubscribe","ref":"4","topics":["a"]}"#)["topics"]?.description == "[]")
            let missed = try await server.raise("a", "while following nothing")
            let back = try await socket.ask(#"{"op":"subscribe","ref":"5","topics":["a"],"since":"latest"}"#)
            #expect(back["topics"]?.description == #"["a"]"#)
            #expect(try await socket.nextObject().string("id") == missed.string("id"))
            try await socket.leave()
        }
    }

    @Test("a filter replaces the one before, and stays until then")
    func filter() async throws {
        try await RunningServer.with(.forTests()) { server in
            let socket = try await server.duplex()
            _ = try await socket.ask(
                #"{"op":"subscribe","ref":"1","topics":["a"],"filter":{"priority":[5],"tags":["x"]}}"#)
            _ = try await socket.ask(#"{"op":"subscribe","ref":"2","topics":["b"]}"#)
            try await server.raise("a", "no")
            try await server.raise("b", "nor this")
            try await server.raise("b", "yes", headers: [("Priority", "5"), ("Tags", "y,x")])
            #expect(try await socket.nextObject().string("message") == "yes")
            _ = try await socket.ask(#"{"op":"subscribe","ref":"3","topics":["a"],"filter":{}}"#)
            try await server.raise("a", "everything")
            #expect(try await socket.nextObject().string("message") == "everything")
            try await socket.leave()
        }
    }

    @Test("a socket resumes after a cursor, and what follows comes after the ack")
    func resume() async throws {
        try await RunningServer.with(.forTests()) { server in
            let first = try await server.raise("a", "1")
            for index in 2...5 { try await server.raise("a", "\(index)") }
            let socket = try await server.duplex()
            let cursor = try #require(first.string("id"))
            try await socket.send(text: #"{"op":"subscribe","ref":"1","topics":["*"],"since":"\#(cursor)"}"#)
            let ack = try await socket.nextObject()
            #expect(ack.event == "ack")
            #expect(ack["topics"]?.description == #"["*"]"#)
            #expect(ack.string("id") == cursor)
            for index in 2...5 { #expect(try await socket.nextObject().string("message") == "\(index)") }
            try await socket.leave()
        }
    }

    @Test("requests that change the topics wait while the socket is being filled, and keep their order")
    func waiting() async throws {
        try await RunningServer.with(.forTests { $0.maximumText = 20_000 }) { server in
            let text = String(repeating: "x", count: 20_000)
            for _ in 0..<100 { try await server.raise("a", text) }
            try await server.raise("b", "old")
            let socket = try await server.duplex()
            try await socket.setReading(false)
            try await socket.send(text: #"{"op":"subscribe","ref":"1","topics":["a"],"since":"all"}"#)
            try await socket.send(text: #"{"op":"subscribe","ref":"2","topics":["b"],"since":"all"}"#)
            try await socket.send(text: #"{"op":"unsubscribe","ref":"3","topics":["a"]}"#)
            try await socket.send(text: #"{"op":"publish","ref":"4","topic":"a","message":"new a"}"#)
            try await socket.send(text: #"{"op":"publish","ref":"5","topic":"b","message":"new b"}"#)
            try await socket.setReading(true)
            var heard: [String] = []
            var acknowledged: [String] = []
            while heard.last != "new b" || acknowledged.count < 5 {
                let event = try await socket.nextObject()
                if event.event == "ack" { acknowledged.append(event.string("ref") ?? "") }
                if event.event == "message" { heard.append(event.string("message") ?? "") }
            }
            #expect(acknowledged.filter { $0 <= "3" } == ["1", "2", "3"])
            #expect(heard.filter { $0 == text }.count == 100)
            #expect(heard.filter { $0 == "old" }.count == 1)
            #expect(heard.filter { $0 == "new b" }.count == 1)
            try await socket.leave()
        }
    }

    @Test("an error frame says what was wrong and leaves the socket open")
    func errors() async throws {
        try await RunningServer.with(.forTests { $0.maximumTopics = 2 }) { server in
            let socket = try await server.duplex()
            for (text, ref, number) in [
                ("nonsense", nil, 40001), (#"{"op":"fly","ref":"1"}"#, "1", 40016),
                (#"{"op":"publish","ref":"2","topic":"a b"}"#, "2", 40003),
                (#"{"op":"subscribe","ref":"3","topics":["a","b","c"]}"#, "3", 40015),
                (#"{"op":"subscribe","ref":"4","topics":["a"],"since":"soon"}"#, "4", 40005),
            ] as [(String, String?, Int)] {
                let error = try await socket.ask(text)
                #expect(error.event == "error")
                #expect(error.int("code") == number)
                #expect(error.int("http") == number / 100)
                #expect(error.string("link") == "/errors#\(number)")
                #expect(error.string("ref") == ref)
                #expect(error["retry_after"] == nil)
            }
            _ = try await socket.ask(#"{"op":"subscribe","ref":"5","topics":["a","b"]}"#)
            #expect(try await socket.ask(#"{"op":"subscribe","ref":"6","topics":["c"]}"#).int("code") == 40015)
            #expect(try await socket.ask(#"{"op":"publish","ref":"7","topic":"a","message":"x"}"#).event == "ack")
            try await socket.leave()
        }
    }

    @Test("many publishes in a row are acknowledged each, in the log's order")
    func pipelined() async throws {
        try await RunningServer.with(.forTests()) { server in
            let socket = try await server.duplex()
            for index in 0..<200 {
                try await socket.send(text: #"{"op":"publish","ref":"\#(index)","topic":"a","message":"\#(index)"}"#)
            }
            var ids: [String] = []
            for index in 0..<200 {
                let ack = try await socket.nextObject()
                #expect(ack.string("ref") == "\(index)")
                ids.append(try #require(ack.string("id")))
            }
            #expect(ids == ids.sorted())
            #expect(try await server.poll("/a/json?poll=1").map { $0.string("id") } == ids)
            try await socket.leave()
        }
    }

    @Test("with a token set a socket has to give it before it publishes, and is then the publisher")
    func auth() async throws {
        try await RunningServer.with(.forTests { $0.publishToken = PublishToken("s") }) { server in
            let socket = try await server.duplex()
            _ = try await socket.ask(#"{"op":"subscribe","ref":"1","topics":["a"]}"#)
            #expect(try await socket.ask(#"{"op":"publish","ref":"2","topic":"a"}"#).int("code") == 40101)
            #expect(try await socket.ask(#"{"op":"auth","ref":"3","token":"wrong"}"#).int("code") == 40101)
            #expect(try await socket.ask(#"{"op":"auth","ref":"4","token":"s"}"#).event == "ack")
            #expect(try await socket.ask(#"{"op":"publish","ref":"5","topic":"b"}"#).event == "ack")
            #expect(try await server.poll("/b/json?poll=1").first?.string("sender") == "publisher")
            try await socket.leave()
            let given = try await server.duplex(headers: ["Authorization": "Bearer s"])
            #expect(try await given.ask(#"{"op":"publish","ref":"1","topic":"b"}"#).event == "ack")
            try await given.leave()
        }
    }
}
