import CrierTesting
import MessageBus
import NIOHTTP1
import StrictJSON
import Testing
import WebSocketTransport

@testable import Gateway

/// The lobby and the rooms, through VMs of one deployment: `vm-1` in `syd` and `vm-2` in `ams`.
@Suite struct RoomServerTests {
    private static let upgrade = """
        Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n
        """

    private static func pages(_ configuration: inout ServerConfiguration) {
        let parts = #filePath.split(separator: "/").dropLast(4)
        configuration.publicDirectory = "/" + parts.joined(separator: "/") + "/Public"
    }

    private static func names(_ frame: JSONObject) -> [String] {
        frame["people"]?.arrayValue?.compactMap { $0.objectValue?.string("name") } ?? []
    }

    private static func subscribe(_ topic: String) -> String {
        #"{"op":"subscribe","ref":"r","topics":["\#(topic)"]}"#
    }

    /// Waits until a socket is told that these are there.
    private static func awaitPeople(
        _ names: Set<String>, on socket: TestWebSocket
    ) async throws {
        let deadline = ContinuousClock.now + .patience
        while true {
            let frame = try await socket.nextObject(within: max(.milliseconds(1), deadline - .now))
            if frame.event == "presence", Set(Self.names(frame)) == names { return }
        }
    }

    /// Waits until the VM says that these are in a room.
    private static func awaitPeople(
        _ names: Set<String>, in room: String, at server: RunningServer, as cookie: String
    ) async throws {
        try await eventually("\(names) in \(room)") {
            let reply = try await server.request("GET", "/v1/rooms/\(room)", headers: [("Cookie", cookie)])
            #expect(reply.status == 200, "\(reply.text)")
            return Set(Self.names(try reply.object())) == names
        }
    }

    /// Waits until a VM knows that there are two.
    private static func awaitFleet(_ server: RunningServer) async throws {
        try await eventually("two VMs") {
            try await server.request("GET", "/v1/lobby").object()["vms"]?.arrayValue?.count == 2
        }
    }

    private static func enter(_ server: RunningServer, _ path: String, _ cookie: String) async throws -> TestWebSocket {
        let socket = try await server.socket(path, headers: ["Cookie": cookie])
        #expect(try await socket.nextObject().event == "open")
        return socket
    }

    @Test("who has no session is refused before the upgrade, and so is whoever asks for what is no room")
    func refused() async throws {
        try await RunningServer.with(.forTests()) { server in
            let cookie = "Cookie: \(try await server.signIn("Ada"))\r\n"
            let unknown = "Cookie: crier_session=\(String(repeating: "0", count: 64))\r\n"
            for (path, field, status) in [
                ("/rooms/syd/ws", "", 401), ("/rooms/vm/vm-1/ws", "", 401), ("/rooms/xyz/ws", "", 401),
                ("/rooms/syd/ws", unknown, 401), ("/rooms/syd/ws", "Cookie: crier_session=x\r\n", 401),
                ("/rooms/vm/ws", cookie, 404), ("/rooms/%73yd/ws", cookie, 404), ("/rooms/syd/x/ws", cookie, 404),
                ("/rooms/syd/ws", cookie + "Origin: https://evil.example\r\n", 403),
            ] {
                let request = "GET \(path) HTTP/1.1\r\nHost: h\r\n\(field)\(Self.upgrade)\r\n"
                let connection = try await RawConnection.connect(port: server.port)
                try await connection.send(request)
                let blank = Array("\r\n\r\n".utf8)
                let answer = try await connection.read { $0.firstRange(of: blank) != nil }
                let line = String(decoding: answer.prefix(12), as: UTF8.self)
                #expect(line == "HTTP/1.1 \(status)", "\(path) \(field)")
                try await connection.close()
            }
            let reply = try await server.request(
                "GET", "/rooms/syd/ws", headers: [("Cookie", try await server.signIn("B"))])
            #expect(reply.status == 426)
            try await server.awaitSockets(0)
        }
    }

    @Test("a room whose region or VM is gone is served by those who are there") func forsaken() async throws {
        try await RunningServer.with(.forTests()) { server in
            let cookie = try await server.signIn("Ada")
            for path in ["/rooms/xyz/ws", "/rooms/vm/vm-9/ws"] {
                let socket = try await server.socket(path, headers: ["Cookie": cookie])
                #expect(try await socket.nextObject().event == "open")
            }
        }
    }

    @Test("people of both VMs see each other come and go")
    func presence() async throws {
        try await TwoVMs.with { vms in
            try await Self.awaitFleet(vms.two)
            let (ada, grace) = (try await vms.one.signIn("Ada"), try await vms.two.signIn("Grace"))
            let one = try await Self.enter(vms.one, "/rooms/syd/ws", ada)
            #expect(try await one.ask(Self.subscribe("_room-syd")).event == "ack")
            try await Self.awaitPeople(["Ada"], on: one)
            let two = try await Self.enter(vms.two, "/rooms/syd/ws", grace)
            #expect(try await two.ask(Self.subscribe("_room-syd")).event == "ack")
            try await Self.awaitPeople(["Ada", "Grace"], on: one)
            try await Self.awaitPeople(["Ada", "Grace"], on: two)
            // A second socket of the same user changes nothing for the others, and its end neither.
            let again = try await Self.enter(vms.one, "/ws", grace)
            #expect(try await again.ask(Self.subscribe("_room-syd")).event == "ack")
            try await Self.awaitPeople(["Ada", "Grace"], on: again)
            try await again.leave()
            #expect(try await two.ask(#"{"op":"unsubscribe","ref":"r","topics":["_room-syd"]}"#).event == "ack")
            try await Self.awaitPeople(["Ada"], on: one)
            #expect(try await two.ask(Self.subscribe("_room-syd")).event == "ack")
            try await Self.awaitPeople(["Ada", "Grace"], on: one)
            try await two.leave()
            try await Self.awaitPeople(["Ada"], on: one)
            // A reader of events is there as well; who polls, or reads all topics, is not.
            let stream = try await TestStream.open(port: vms.two.port, "/_room-syd/sse", headers: [("Cookie", grace)])
            try await Self.awaitPeople(["Ada", "Grace"], on: one)
            _ = try await vms.two.poll("/_room-syd/json?poll=1", headers: [("Cookie", try await vms.two.signIn("Eve"))])
            let all = try await vms.two.socket("/*/ws", headers: ["Cookie": try await vms.two.signIn("Mallory")])
            #expect(try await all.nextObject().event == "open")
            await stream.close()
            try await Self.awaitPeople(["Ada"], on: one)
            let topic = try await vms.two.socket("/a,_room-syd/ws", headers: ["Cookie": grace])
            try await Self.awaitPeople(["Ada", "Grace"], on: one)
            // Who signs out is gone from the room.
            try await vms.one.signOut(grace)
            #expect(try await topic.nextClose() == .signedOut)
            try await Self.awaitPeople(["Ada"], on: one)
            for socket in [one, all] { try await socket.leave() }
        }
    }

    @Test("someone who becomes nobody, or somebody else, on a socket is not seen there any more")
    func otherIdentity() async throws {
        try await RunningServer.with(.forTests { $0.publishToken = PublishToken("s3cret") }) { server in
            let watcher = try await Self.enter(server, "/rooms/syd/ws", try await server.signIn("Grace"))
            _ = try await watcher.ask(Self.subscribe("_room-syd"))
            let socket = try await Self.enter(server, "/rooms/syd/ws", try await server.signIn("Ada"))
            _ = try await socket.ask(Self.subscribe("_room-syd"))
            try await Self.awaitPeople(["Ada", "Grace"], on: watcher)
            #expect(try await socket.ask(#"{"op":"auth","ref":"r","token":"s3cret"}"#).event == "ack")
            try await Self.awaitPeople(["Grace"], on: watcher)
            // The publish token opens the room without showing anyone in it.
            try await server.raise("_room-syd", "x", headers: [("Authorization", "Bearer s3cret")])
            #expect(try await socket.nextObject().string("message") == "x")
            #expect(try await socket.ask(#"{"op":"auth","ref":"r","token":"wrong"}"#).int("code") == 40101)
            try await server.raise("_room-syd", "y", headers: [("Authorization", "Bearer s3cret")])
            #expect(try await socket.ask(#"{"op":"subscribe","ref":"s","topics":["open"]}"#).event == "ack")
            try await server.raise("open", "z", headers: [("Authorization", "Bearer s3cret")])
            #expect(try await socket.nextObject().string("message") == "z")
            for socket in [watcher, socket] { try await socket.leave() }
        }
    }

    @Test("the people of a VM that ends without a word are gone when its lease is over")
    func abruptEnd() async throws {
        let store = InProcessStore()
        let storeOfTwo = MoodyStore(store)
        try await TwoVMs.with(store: store, storeOfTwo: storeOfTwo) { vms in
            let (ada, grace) = (try await vms.one.signIn("Ada"), try await vms.two.signIn("Grace"))
            let one = try await Self.enter(vms.one, "/rooms/syd/ws", ada)
            _ = try await one.ask(Self.subscribe("_room-syd"))
            let two = try await vms.two.duplex(headers: ["Cookie": grace])
            _ = try await two.ask(Self.subscribe("_room-syd"))
            try await Self.awaitPeople(["Ada", "Grace"], on: one)
            // Nothing that it would say at its end arrives any more.
            storeOfTwo.setAway(true)
            vms.two.leave()
            try await vms.two.end()
            try await Self.awaitPeople(["Ada"], on: one)
            try await one.leave()
        }
    }

    @Test("the people of a VM that leaves are gone at once")
    func leaving() async throws {
        let store = InProcessStore()
        try await TwoVMs.with(store: store) { vms in
            let (ada, grace) = (try await vms.one.signIn("Ada"), try await vms.two.signIn("Grace"))
            let one = try await Self.enter(vms.one, "/rooms/syd/ws", ada)
            _ = try await one.ask(Self.subscribe("_room-syd"))
            let two = try await vms.two.duplex(headers: ["Cookie": grace])
            _ = try await two.ask(Self.subscribe("_room-syd"))
            try await Self.awaitPeople(["Ada", "Grace"], on: one)
            vms.two.leave()
            try await vms.two.end()
            // Its record does not wait for the end of its lease.
            #expect(try await store.entries(of: PresenceNames.collection, limit: 10).count == 1)
            try await Self.awaitPeople(["Ada"], on: one)
            try await one.leave()
        }
    }

    @Test("an alert in a room is the session's user's, whatever its payload says")
    func sender() async throws {
        try await RunningServer.with(.forTests()) { server in
            let cookie = try await server.signIn("Ada")
            let socket = try await Self.enter(server, "/rooms/vm/vm-1/ws", cookie)
            _ = try await socket.ask(Self.subscribe("_room-vm-vm-1"))
            try await socket.send(
                text: #"{"op":"publish","ref":"p","topic":"_room-vm-vm-1","message":"1","sender":"Eve","user":"Eve"}"#)
            try await server.raise(
                "_room-vm-vm-1", "2", headers: [("Cookie", cookie), ("Sender", "Eve"), ("X-Sender", "Eve")])
            let reply = try await server.request(
                "POST", "/", headers: [("Cookie", cookie)],
                body: #"{"topic":"_room-vm-vm-1","message":"3","sender":"Eve"}"#)
            #expect(reply.status == 200)
            var senders: [String: String] = [:]
            while senders.count < 3 {
                let object = try await socket.nextObject()
                if let message = object.string("message") { senders[message] = object.string("sender") }
            }
            #expect(senders == ["1": "Ada", "2": "Ada", "3": "Ada"])
            try await socket.leave()
        }
    }

    @Test("the lobby tells everyone which VMs there are and how many are in each room, and names no one")
    func lobby() async throws {
        try await TwoVMs.with { vms in
            try await Self.awaitFleet(vms.one)
            let socket = try await Self.enter(vms.two, "/rooms/ams/ws", try await vms.two.signIn("Ada Lovelace"))
            _ = try await socket.ask(Self.subscribe("_room-ams"))
            try await eventually("somebody in a room") {
                let reply = try await vms.one.request("GET", "/v1/lobby")
                #expect(reply.status == 200)
                #expect(!reply.text.contains("Lovelace"))
                let lobby = try reply.object()
                #expect(lobby.string("vm") == "vm-1")
                #expect(lobby.string("region") == "syd")
                #expect(lobby["affinity"]?.boolValue == false)
                let ids = lobby["vms"]?.arrayValue?.compactMap { $0.objectValue?.string("id") }
                #expect(ids.map(Set.init) == ["vm-1", "vm-2"])
                let rooms = lobby["rooms"]?.arrayValue?.compactMap(\.objectValue) ?? []
                guard let room = rooms.first else { return false }
                #expect(rooms.count == 1)
                #expect(room.string("room") == "ams")
                #expect(room.int("people") == 1)
                #expect(room.int("vms") == 1)
                return true
            }
            try await socket.leave()
        }
    }

    @Test("who is in a room is told to those who may read it")
    func people() async throws {
        try await TwoVMs.with { vms in
            let cookie = try await vms.one.signIn("Ada")
            for (room, headers, status) in [
                ("syd", [], 401), ("vm-vm-1", [], 401), ("syd", [("Cookie", cookie)], 200), ("a.b", [], 404),
                ("vm", [("Cookie", cookie)], 404), (String(repeating: "x", count: 33), [("Cookie", cookie)], 404),
            ] as [(String, [(String, String)], Int)] {
                let reply = try await vms.one.request("GET", "/v1/rooms/\(room)", headers: headers)
                #expect(reply.status == status, "\(room)")
                if status == 200 { #expect(reply.header("cache-control") == "no-store") }
            }
            let socket = try await vms.two.duplex(headers: ["Cookie": try await vms.two.signIn("Grace")])
            _ = try await socket.ask(Self.subscribe("_room-vm-vm-1"))
            try await Self.awaitPeople(["Grace"], in: "vm-vm-1", at: vms.one, as: cookie)
            try await Self.awaitPeople([], in: "syd", at: vms.one, as: cookie)
            try await socket.leave()
            try await Self.awaitPeople([], in: "vm-vm-1", at: vms.one, as: cookie)
        }
    }

    @Test("the pages carry this VM's id and region; a room that is nowhere has a page of its own")
    func pages() async throws {
        try await RunningServer.with(.forTests(Self.pages)) { server in
            for (path, status) in [
                ("/lobby", 200), ("/login", 200), ("/rooms/syd", 200), ("/rooms/vm/vm-1", 200), ("/rooms/xyz", 404),
                ("/rooms/vm/vm-9", 404), ("/rooms/vm-", 404), ("/rooms/%3Cscript%3E", 404), ("/", 200), ("/topic", 200),
            ] {
                let reply = try await server.request("GET", path)
                #expect(reply.status == status, "\(path)")
                #expect(reply.header("content-type") == "text/html; charset=utf-8", "\(path)")
                #expect(!reply.text.contains("{{"), "\(path)")
                #expect(!reply.text.contains("<script>alert"), "\(path)")
            }
            #expect(try await server.request("GET", "/lobby").text.contains("vm-1"))
        }
    }

    @Test("a ping says which VM answered")
    func ping() async throws {
        try await RunningServer.with(.forTests()) { server in
            let reply = try await server.request("GET", "/v1/ping")
            #expect(reply.status == 204)
            #expect(reply.header("crier-vm") == "vm-1")
            #expect(reply.header("cache-control") == "no-store")
            #expect(reply.body.isEmpty)
        }
    }
}
