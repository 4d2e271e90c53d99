import MessageBus
import Testing

@testable import Gateway

@Suite struct PresencePictureTests {
    private let ams = RoomFixture.ams
    private let fra = RoomFixture.fra

    private func record(_ vm: String, _ people: [Room: [Person]]) -> PresenceRecord {
        PresenceRecord(vm: vm, region: "ams", rooms: people)
    }

    private func picture(_ records: [PresenceRecord], here: [(Room, Person)] = []) -> PresencePicture {
        var picture = PresencePicture(vm: "here")
        for (room, person) in here { _ = picture.local.enter(room, as: person.name, at: person.since) }
        _ = picture.replace(elsewhere: PresenceElsewhere(merging: records))
        return picture
    }

    @Test("the same name on several VMs is one person, there since the earliest")
    func merged() {
        let records = [
            record("a", [ams: [.named("ada", 30)]]), record("b", [ams: [.named("ada", 20), .named("bob", 5)]]),
        ]
        #expect(picture(records).people(in: ams) == [.named("bob", 5), .named("ada", 20)])
        #expect(picture(records.reversed()).people(in: ams) == [.named("bob", 5), .named("ada", 20)])
        #expect(
            picture(records, here: [(ams, .named("ada", 10))]).people(in: ams) == [.named("bob", 5), .named("ada", 10)])
        #expect(
            picture(records, here: [(ams, .named("ada", 40))]).people(in: ams) == [.named("bob", 5), .named("ada", 20)])
    }

    @Test("people who came at the same time are in the order of their names")
    func order() {
        let records = [record("a", [ams: [.named("c", 1), .named("a", 2), .named("b", 1)]])]
        #expect(picture(records).people(in: ams).map(\.name) == ["b", "c", "a"])
    }

    @Test("a VM's record that is gone takes only its own people away")
    func gone() {
        let a = record("a", [ams: [.named("ada", 30), .named("cid", 40)], fra: [.named("ada", 1)]])
        let b = record("b", [ams: [.named("ada", 20)]])
        var picture = picture([a, b], here: [(ams, .named("eve", 50))])
        #expect(picture.people(in: ams) == [.named("ada", 20), .named("cid", 40), .named("eve", 50)])
        let withoutB = picture.replace(elsewhere: PresenceElsewhere(merging: [a]))
        #expect(withoutB == [ams])
        #expect(picture.people(in: ams) == [.named("ada", 30), .named("cid", 40), .named("eve", 50)])
        let withoutA = picture.replace(elsewhere: PresenceElsewhere(merging: [b]))
        #expect(withoutA == [ams, fra])
        #expect(picture.people(in: ams) == [.named("ada", 20), .named("eve", 50)])
        #expect(picture.people(in: fra).isEmpty)
        let same = picture.replace(elsewhere: PresenceElsewhere(merging: [b]))
        #expect(same.isEmpty)
    }

    @Test("people are counted once, and VMs by their ids")
    func counts() {
        let records = [
            record("a", [ams: [.named("ada", 1)], fra: [.named("bob", 1)]]), record("a", [ams: [.named("cid", 1)]]),
            record("b", [ams: [.named("ada", 1)]]), record("here", [ams: [.named("old", 1)]]),
        ]
        let counts = picture(records, here: [(ams, .named("ada", 1)), (RoomFixture.ofVM, .named("dan", 1))]).counts()
        #expect(
            counts == [
                RoomCount(room: ams, people: 3, vms: 3), RoomCount(room: fra, people: 1, vms: 1),
                RoomCount(room: RoomFixture.ofVM, people: 1, vms: 1),
            ])
    }

    @Test("those who came last are counted without being listed where there are too many")
    func crowd() {
        let there = (0..<6_000).map { Person.named("t\($0)", $0) }
        let here = (0..<6_000).map { (ams, Person.named("h\($0)", 100_000 + $0)) }
        let picture = picture([record("a", [ams: there])], here: here)
        let people = picture.people(in: ams)
        #expect(people.count == PresencePicture.listed)
        #expect(people.last == .named("h3999", 103_999))
        #expect(picture.counts() == [RoomCount(room: ams, people: 12_000, vms: 2)])
    }

    @Test("an entry that cannot be read is complained of once, as long as it stays as it is")
    func unreadable() throws {
        let good = record("a", [ams: [.named("ada", 1)]]).parts()[0]
        func entry(_ key: String, _ value: [UInt8]) throws -> StoreEntry {
            StoreEntry(name: try #require(StoreName(PresenceNames.collection, key)), value: value)
        }
        var readings = PresenceReadings()
        func complaints(_ entries: [StoreEntry]) -> [String] { readings.replace(with: entries).map(\.name.key) }
        #expect(complaints([try entry("a", good), try entry("b", [1])]) == ["b"])
        #expect(readings.merged.rooms[ams]?.people == ["ada": .at(1)])
        #expect(complaints([try entry("a", good), try entry("b", [1])]) == [])
        #expect(complaints([try entry("b", [2])]) == ["b"])
        #expect(readings.merged.rooms.isEmpty)
        #expect(complaints([try entry("b", good)]) == [])
        #expect(readings.merged.rooms[ams]?.people == ["ada": .at(1)])
    }

    @Test("a process knows its own entries, and not its predecessor's")
    func names() throws {
        let names = PresenceNames(vm: RoomFixture.vm("a", boot: "two"))
        let before = try PresenceNames(vm: RoomFixture.vm("a", boot: "one")).name(of: 0)
        #expect(try names.name(of: 3).key == "a-two-3")
        #expect(names.isOwn(try names.name(of: 3)))
        #expect(!names.isOwn(before))
        #expect(!names.isOwn(try PresenceNames(vm: RoomFixture.vm("a-two", boot: "x")).name(of: 0)))
        #expect(throws: BusError.self) { try names.name(of: PresenceNames.maximumParts) }
    }

    @Test(
        "a boot that no key can have gives entries that are this process's all the same",
        arguments: ["é", String(repeating: "x", count: 128)])
    func boots(boot: String) throws {
        let vm = RoomFixture.vm("a", boot: boot)
        let name = try PresenceNames(vm: vm).name(of: 0)
        #expect(name.key.hasPrefix("a-"))
        #expect(!PresenceNames(vm: vm).isOwn(name))
    }
}
