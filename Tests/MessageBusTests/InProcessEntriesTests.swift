import CrierTesting
import Testing

@testable import MessageBus

struct InProcessEntriesTests {
    private struct Model {
        var value: [UInt8]
        var expiry: WallTime
    }

    /// Against a dictionary that is searched as a whole: whatever is done, the same is there, and after every write no more than that is held.
    @Test("Whatever is done in whatever order, the entries are those of a plain dictionary", arguments: 0..<20)
    func agreesWithModel(_ seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        var entries = InProcessEntries(capacity: .init())
        var model: [String: Model] = [:]
        var now = WallTime(seconds: 1_800_000_000)
        let collection = try #require(StoreCollection("some"))
        for _ in 0..<3_000 {
            let key = "k\(Int.random(in: 0..<60, using: &random))"
            let name = try #require(StoreName(collection, key))
            let expiry = now.advanced(byMilliseconds: .random(in: 1...500, using: &random))
            let live = model[key].flatMap { $0.expiry > now ? $0 : nil }
            switch Int.random(in: 0..<5, using: &random) {
            case 0, 1:
                let value = Array(repeating: UInt8(1), count: .random(in: 0..<9, using: &random))
                let isTaken = entries.set(name, value, until: expiry, now: now)
                #expect(isTaken)
                model[key] = Model(value: value, expiry: expiry)
                model = model.filter { $0.value.expiry > now }
                #expect(entries.count == model.count)
                #expect(entries.bytes == model.reduce(0) { $0 + $1.key.utf8.count + $1.value.value.count })
            case 2:
                let isExtended = entries.extend(name, until: expiry, now: now)
                #expect(isExtended == (live != nil))
                if let live { model[key]?.expiry = max(live.expiry, expiry) }
            case 3:
                let wasThere = entries.remove(name, now: now)
                #expect(wasThere == (live != nil))
                model[key] = nil
            default: now = now.advanced(byMilliseconds: .random(in: 0...40, using: &random))
            }
            #expect(entries.value(of: name, now: now) == model[key].flatMap { $0.expiry > now ? $0.value : nil })
        }
        let keys = entries.keys(of: collection, after: "k3").filter { key in
            StoreName(collection, key).flatMap { entries.value(of: $0, now: now) } != nil
        }
        #expect(Set(keys) == Set(model.filter { $0.key > "k3" && $0.value.expiry > now }.keys))
    }

    @Test("What has expired gives its memory back as others are written, some of it at a time")
    func givesBack() throws {
        var entries = InProcessEntries(capacity: .init())
        let collection = try #require(StoreCollection("some"))
        let start = WallTime(seconds: 1_800_000_000)
        for number in 0..<1_000 {
            let name = try #require(StoreName(collection, "k\(number)"))
            let isTaken = entries.set(name, [1], until: start.advanced(byMilliseconds: 1), now: start)
            #expect(isTaken)
        }
        let later = start.advanced(byMilliseconds: 1)
        for number in 0..<10 {
            let name = try #require(StoreName(collection, "new\(number)"))
            let isTaken = entries.set(name, [1], until: later.advanced(byMilliseconds: 1), now: later)
            #expect(isTaken)
            #expect(entries.count == 1_000 - 100 * (number + 1) + number + 1)
        }
    }
}
