import CrierTesting
import MessageBus
import StrictJSON
import Testing

@testable import Gateway

@Suite struct PresenceRecordTests {
    private let ams = RoomFixture.ams
    private let small = PresenceRecord(
        vm: "a1", region: "ams",
        rooms: [
            RoomFixture.ams: [.named("ada", 1_790_000_000_000), .named("b\"o\u{1}b", 1_790_000_000_500)],
            RoomFixture.ofVM: [.named("ada", -1)],
        ])

    private func crowd(_ count: Int64) -> PresenceRecord {
        let people = (0..<count).map { Person.named("guest-\($0)\"", 1_790_000_000_000 + $0) }
        return PresenceRecord(
            vm: "a1", region: "ams", rooms: [ams: people, RoomFixture.fra: people, RoomFixture.ofVM: people])
    }

    @Test("it is the JSON that is documented")
    func json() {
        #expect(
            small.parts().map { String(decoding: $0, as: UTF8.self) } == [
                #"{"vm":"a1","region":"ams","rooms":{"ams":[["ada",1790000000000],["b\"o\u0001b",1790000000500]],"vm/a1":[["ada",-1]]}}"#
            ])
        #expect(PresenceRecord(vm: "a1", region: "ams", rooms: [:]).parts().isEmpty)
    }

    @Test("it reads back")
    func readsBack() throws {
        #expect(try PresenceRecord(parsing: small.parts()[0]) == small)
    }

    @Test("what is larger than an entry is split, and the parts are together what was told")
    func split() throws {
        let whole = crowd(5_000)
        let parts = whole.parts()
        #expect(parts.count > 3)
        #expect(parts.allSatisfy { $0.count <= StoreLimits.value })
        #expect(parts.dropLast().allSatisfy { $0.count > StoreLimits.value - 400 })
        var people: [Room: [Person]] = [:]
        for part in parts { people.merge(try PresenceRecord(parsing: part).rooms) { $0 + $1 } }
        #expect(people == whole.rooms)
    }

    @Test(
        "every limit is kept, and no part is empty",
        arguments: [1, 60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 80, 100, 101, 102, 200])
    func limits(limit: Int) throws {
        let whole = crowd(7)
        let records = try whole.parts(limit: limit).map { bytes in
            let record = try PresenceRecord(parsing: bytes)
            let count = record.rooms.values.reduce(0) { $0 + $1.count }
            #expect(count == 1 || (count > 1 && bytes.count <= limit))
            return record
        }
        #expect(records.reduce(0) { $0 + $1.rooms.values.reduce(0) { $0 + $1.count } } == 21)
    }

    @Test("a VM tells its people in order, those who came first where there are too many")
    func listed() {
        var presence = LocalPresence()
        for (index, name) in ["eve", "dan", "cid", "bob", "ada"].enumerated() {
            _ = presence.enter(ams, as: name, at: .at(Int64(index)))
        }
        let record = PresenceRecord(of: presence, on: RoomFixture.vm("a1"), listed: 3)
        #expect(
            record
                == PresenceRecord(
                    vm: "a1", region: "ams", rooms: [ams: [.named("eve", 0), .named("dan", 1), .named("cid", 2)]]))
    }

    @Test(
        "what is not exactly a record is refused",
        arguments: [
            "", "null", "[]", "{}", #"{"vm":"a","region":"r"}"#, #"{"vm":"a","region":"r","rooms":[]}"#,
            #"{"vm":"a","region":"r","rooms":{},"more":1}"#, #"{"vm":"","region":"r","rooms":{}}"#,
            #"{"vm":"a b","region":"r","rooms":{}}"#, #"{"vm":1,"region":"r","rooms":{}}"#,
            #"{"vm":"a","region":null,"rooms":{}}"#, #"{"vm":"a","region":"r","rooms":{"vm":[["x",1]]}}"#,
            #"{"vm":"a","region":"r","rooms":{"ams":[]}}"#, #"{"vm":"a","region":"r","rooms":{"ams":{}}}"#,
            #"{"vm":"a","region":"r","rooms":{"ams":[["x"]]}}"#,
            #"{"vm":"a","region":"r","rooms":{"ams":[["x",1,2]]}}"#,
            #"{"vm":"a","region":"r","rooms":{"ams":[[1,"x"]]}}"#,
            #"{"vm":"a","region":"r","rooms":{"ams":[["x",1.5]]}}"#,
            #"{"vm":"a","region":"r","rooms":{"ams":[["x",9223372036854775808]]}}"#,
            #"{"vm":"a","region":"r","rooms":{"ams":[["x",1],["x",2]]}}"#,
            #"{"vm":"a","region":"r","rooms":{"ams":[["x",1]],"ams":[["y",1]]}}"#,
            #"{"vm":"a","region":"r","rooms":{"ams":[["x",1]]}} x"#,
            #"{"vm":"a","region":"r","rooms":{"ams":[[""# + String(repeating: "x", count: 257) + #"",1]]}}"#,
        ])
    func refused(text: String) {
        #expect(throws: PresenceRecordError.self) { try PresenceRecord(parsing: Array(text.utf8)) }
    }

    @Test("garbage of any kind is refused or read, and what is read can be told again", arguments: 0..<2)
    func fuzz(seed: UInt64) throws {
        var random = SeededGenerator(seed: 0x9E5E_0000 + seed)
        let sources = small.parts() + crowd(3).parts()
        let pieces = [
            "9223372036854775807", "-9223372036854775808", "1e99", "\"", "[", "]", "{", "}", ",", "null", "\\u0000",
            "vm/", "vm", "[]",
        ]
        var read = 0
        for _ in 0..<20_000 {
            var bytes = sources[Int.random(in: 0..<sources.count, using: &random)]
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: place)
                case 2:
                    let piece = pieces[Int.random(in: 0..<pieces.count, using: &random)]
                    bytes.insert(contentsOf: piece.utf8, at: place)
                default: bytes[place] = UInt8.random(in: 0x20...0x7E, using: &random)
                }
            }
            guard let record = try? PresenceRecord(parsing: bytes) else { continue }
            read += 1
            _ = PresenceElsewhere(merging: [record, small])
            let again = record.parts()
            #expect(record.rooms.isEmpty ? again.isEmpty : try again.map(PresenceRecord.init(parsing:)) == [record])
        }
        #expect(read > 500, "the mutations are too wild to test what is read")
    }
}
