import MessageBus

@testable import Gateway

/// Rooms that the tests are in.
enum RoomFixture {
    static let ams = room("ams")
    static let fra = room("fra")
    static let ofVM = room("vm/a1")

    private static func room(_ name: String) -> Room {
        guard let room = Room(name: name) else { preconditionFailure("a room's name") }
        return room
    }

    static func vm(_ id: String, boot: String = "boot") -> VMIdentity {
        guard let vm = VMIdentity(id: id, region: "ams", boot: boot) else { preconditionFailure("a VM's id") }
        return vm
    }
}

extension WallTime {
    static func at(_ milliseconds: Int64) -> WallTime { WallTime(milliseconds: milliseconds) }
}

extension Person {
    static func named(_ name: String, _ since: Int64) -> Person { Person(name: name, since: .at(since)) }
}
