import MessageBus
import Testing

@testable import Gateway

@Suite struct RoomTests {
    @Test(
        "a path leads to a region's room or to a VM's",
        arguments: [
            ("/rooms/ams", "ams", RoomPath.Form.page), ("/rooms/ams/", "ams", .folder),
            ("/rooms/ams/ws", "ams", .socket),
            ("/rooms/ws", "ws", .page), ("/rooms/rooms", "rooms", .page), ("/rooms/-", "-", .page),
            ("/rooms/vm/a1", "vm/a1", .page), ("/rooms/vm/a1/", "vm/a1", .folder),
            ("/rooms/vm/a1/ws", "vm/a1", .socket),
            ("/rooms/vm/ws", "vm/ws", .page), ("/rooms/vm/ws/ws", "vm/ws", .socket), ("/rooms/vm/vm", "vm/vm", .page),
            ("/rooms/VM", "VM", .page), ("/rooms/vmx", "vmx", .page),
        ])
    func paths(path: String, name: String, form: RoomPath.Form) throws {
        let found = try #require(RoomPath(path))
        #expect(found.room.name == name)
        #expect(found.form == form)
        #expect(Room(path: path) == Room(name: name))
    }

    @Test(
        "other paths lead to none",
        arguments: [
            "", "/", "/rooms", "/rooms/", "/rooms//", "rooms/ams", "/rooms/vm", "/rooms/vm/", "/rooms/vm//",
            "/rooms/vm//ws",
            "/rooms//ws", "/rooms/ams/wss", "/rooms/ams/ws/", "/rooms/ams//", "/rooms/vm/a/b", "/rooms/vm/a/ws/x",
            "/room/ams",
            "/rooms/a%20b", "/rooms/a.b", "/rooms/ä", "/rooms/a b", "/rooms/a\u{301}", "/rooms/a/\u{301}ws",
            "/rooms/a\u{0}",
            "/rooms/vm-a", "/rooms/ams?x", "/rooms/../ams", "//rooms/ams",
            "/rooms/" + String(repeating: "a", count: 33), "/rooms/vm/" + String(repeating: "a", count: 56),
        ])
    func noPaths(path: String) {
        #expect(RoomPath(path) == nil)
        #expect(Room(path: path) == nil)
    }

    @Test("the longest names fit a topic")
    func longest() throws {
        let code = String(repeating: "r", count: 32)
        let id = String(repeating: "i", count: 55)
        #expect(Room(.region(code))?.topic.name == "_room-" + code)
        let topic = try #require(Room(.vm(id))?.topic)
        #expect(topic.name == "_room-vm-" + id)
        #expect(topic.name.utf8.count == Topic.maximumLength)
        #expect(Room(.region(code + "r")) == nil)
        #expect(Room(.vm(id + "i")) == nil)
    }

    @Test(
        "a room comes back from its name and from its topic, and no two share one",
        arguments: ["ams", "vm/ams", "vm/vm-x", "vm/vm"])
    func names(name: String) throws {
        let room = try #require(Room(name: name))
        #expect(Room(name: room.name) == room)
        #expect(Room(topic: room.topic)?.kind == room.kind)
        #expect(Room(name: room.topic.name.replacing("_room-", with: "")) == (name == "ams" ? room : nil))
    }

    @Test("other names and topics are no room's")
    func noNames() throws {
        for name in ["", "vm", "vm-a", "vm/", "/", "a/b", "vm/a/b", "vm/a/", "ams/"] {
            #expect(Room(name: name) == nil)
        }
        for name in ["ams", "_room", "_room-", "_room-vm", "_room-vm-", "_Room-ams"] {
            #expect(Room(topic: try #require(Topic(name))) == nil)
        }
    }
}
