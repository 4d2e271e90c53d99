import CrierTesting
import MessageBus
import StrictJSON
import Testing

@testable import Gateway

@Suite struct ResumeTests {
    /// What one reader has seen, over all its connections.
    private struct Seen {
        var ids: [String] = []
        var cursor: String?
        var resets = 0

        mutating func take(_ event: JSONObject) {
            if event.event == "message" { ids.append(event.string("id") ?? "") }
            if event.event == "reset" { resets += 1 }
            if let id = event.string("id") { cursor = id }
        }

        var query: String { cursor.map { "?since=\($0)" } ?? "?since=all" }
    }

    private static let count = 2000

    @Test("readers that drop and resume at random moments while 2,000 alerts are raised get each once, in order")
    func underFire() async throws {
        try await RunningServer.with(.forTests()) { server in
            try await withThrowingTaskGroup(of: [String].self) { group in
                for index in 0..<20 {
                    group.addTask {
                        var random = SeededGenerator(seed: 0xF12E + UInt64(index))
                        return switch index % 3 {
                        case 0: try await Self.followBySocket(server, &random)
                        case 1: try await Self.followByStream(server, &random)
                        default: try await Self.followByDuplex(server, &random)
                        }
                    }
                }
                let published = try await Self.publish(server)
                #expect(published.count == Self.count)
                var readers = 0
                for try await ids in group {
                    readers += 1
                    #expect(ids == published)
                }
                #expect(readers == 20)
            }
        }
    }

    /// Raises the alerts over four sockets with a few under way on each, so that the readers have something to miss.
    private static func publish(_ server: RunningServer) async throws -> [String] {
        let ids = try await withThrowingTaskGroup(of: [String].self) { group in
            for _ in 0..<4 {
                group.addTask {
                    let socket = try await server.duplex()
                    var ids: [String] = []
                    for start in stride(from: 0, to: count / 4, by: 10) {
                        for index in start..<(start + 10) {
                            try await socket.send(
                                text: #"{"op":"publish","ref":"\#(index)","topic":"fire","message":"\#(index)"}"#)
                        }
                        for _ in 0..<10 { ids.append(try #require(try await socket.nextObject().string("id"))) }
                    }
                    try await socket.leave()
                    return ids
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        return ids.sorted()
    }

    private static func followBySocket(_ server: RunningServer, _ random: inout SeededGenerator) async throws
        -> [String]
    {
        var seen = Seen()
        while seen.ids.count < count {
            let socket = try await server.socket("/fire/ws\(seen.query)")
            for _ in 0..<Int.random(in: 1...400, using: &random) where seen.ids.count < count {
                seen.take(try await socket.nextObject())
            }
            try await socket.leave()
        }
        #expect(seen.resets == 0)
        return seen.ids
    }

    private static func followByStream(_ server: RunningServer, _ random: inout SeededGenerator) async throws
        -> [String]
    {
        var seen = Seen()
        while seen.ids.count < count {
            let headers = seen.cursor.map { [("Last-Event-ID", $0)] } ?? [("Last-Event-ID", "all")]
            let stream = try await TestStream.open(port: server.port, "/fire/sse", headers: headers)
            for _ in 0..<Int.random(in: 1...400, using: &random) where seen.ids.count < count {
                let event = try #require(try await stream.nextEvent())
                let object = try #require(try JSONValue.parse(event.data).objectValue)
                if event.name == nil { #expect(event.id == object.string("id")) }
                seen.take(object)
            }
            await stream.close()
        }
        #expect(seen.resets == 0)
        return seen.ids
    }

    private static func followByDuplex(_ server: RunningServer, _ random: inout SeededGenerator) async throws
        -> [String]
    {
        var seen = Seen()
        while seen.ids.count < count {
            let socket = try await server.duplex()
            let since = seen.cursor ?? "all"
            try await socket.send(text: #"{"op":"subscribe","ref":"s","topics":["fire"],"since":"\#(since)"}"#)
            for _ in 0..<Int.random(in: 1...400, using: &random) where seen.ids.count < count {
                seen.take(try await socket.nextObject())
            }
            try await socket.leave()
        }
        #expect(seen.resets == 0)
        return seen.ids
    }

    @Test("a cursor of another epoch gets a reset that names the oldest held, and then everything held")
    func epoch() async throws {
        try await RunningServer.with(.forTests()) { server in
            let first = try await server.raise("a", "1")
            try await server.raise("a", "2")
            let old = Position(epoch: 5, offset: 100).id
            let socket = try await server.socket("/a/ws?since=\(old)")
            #expect(try await socket.nextObject().string("id") == old)
            let reset = try await socket.nextObject()
            #expect(reset.event == "reset")
            #expect(reset.string("reason") == "epoch")
            #expect(reset.string("since") == old)
            #expect(reset.string("oldest") == first.string("id"))
            #expect(try await socket.nextObject() == first)
            #expect(try await socket.nextObject().string("message") == "2")
            try await socket.leave()
            let duplex = try await server.duplex()
            try await duplex.send(text: #"{"op":"subscribe","ref":"s","topics":["a"],"since":"\#(old)"}"#)
            #expect(try await duplex.nextObject().event == "ack")
            #expect(try await duplex.nextObject().string("reason") == "epoch")
            #expect(try await duplex.nextObject() == first)
            try await duplex.leave()
        }
    }

    @Test("a cursor that retention has passed gets a reset, over count and over bytes")
    func retention() async throws {
        for retention in [
            Retention(count: 5, age: 0, bytes: 1 << 20), Retention(count: 1000, age: 600_000, bytes: 3000),
        ] {
            try await RunningServer.with(.forTests { $0.retention = retention }) { server in
                let first = try await server.raise("a", "0")
                for index in 1..<30 { try await server.raise("a", "\(index)") }
                let cursor = try #require(first.string("id"))
                let stream = try await TestStream.open(
                    port: server.port, "/a/sse", headers: [("Last-Event-ID", cursor)])
                #expect(try await stream.nextEvent()?.name == "open")
                let event = try #require(try await stream.nextEvent())
                #expect(event.name == "reset")
                let reset = try #require(try JSONValue.parse(event.data).objectValue)
                #expect(reset.string("reason") == "retention")
                #expect(reset.string("since") == cursor)
                #expect(event.id == reset.string("id"))
                let held = try await server.poll("/a/json?poll=1")
                #expect((1..<30).contains(held.count))
                #expect(reset.string("oldest") == held.first?.string("id"))
                for alert in held {
                    #expect(try await stream.nextEvent()?.id == alert.string("id"))
                }
                await stream.close()
                let last = try #require(held.first?.string("id"))
                let covered = try await server.poll("/a/json?poll=1&since=\(last)")
                #expect(covered == Array(held.dropFirst()))
            }
        }
    }

    @Test("a cursor that no alert has yet waits for it, and gets a reset when it does not come")
    func unknown() async throws {
        try await RunningServer.with(.forTests()) { server in
            let id = try #require(try await server.raise("a", "1").string("id"))
            let position = try #require(Position(id: id))
            let near = Position(epoch: position.epoch, offset: position.offset + 1).id
            let far = Position(epoch: position.epoch, offset: position.offset + 1000).id
            let waiting = try await server.socket("/a/ws?since=\(near)")
            let lost = try await server.socket("/a/ws?since=\(far)")
            for socket in [waiting, lost] { #expect(try await socket.nextObject().event == "open") }
            try await server.raise("a", "2")
            try await server.raise("a", "3")
            #expect(try await waiting.nextObject().string("message") == "3")
            let reset = try await lost.nextObject()
            #expect(reset.string("reason") == "unknown")
            try await server.raise("a", "4")
            #expect(try await lost.nextObject().string("message") == "4")
            try await waiting.leave()
            try await lost.leave()
        }
    }
}
