import MessageBus

extension SharedStoreConformance {
    static let listings: [SharedStoreConformance] = [
        SharedStoreConformance("a collection is listed in the order of its keys' bytes, no further than the limit") {
            subject in
            let keys = ["b", "a", "Z", "_", "-", "9", "aa", "a-a", "a_a", "aA"]
            for key in keys { try await subject.store.set(session(key), Array(key.utf8), lasting: long) }
            let sorted = keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            let all = try await subject.other.entries(of: sessions, limit: 100)
            try require(all.map(\.name.key) == sorted, "listed are \(all.map(\.name.key))")
            try require(all.allSatisfy { $0.value == Array($0.name.key.utf8) }, "values are under other names")
            for limit in [1, 4, 10] {
                let some = try await subject.store.entries(of: sessions, limit: limit)
                try require(some == Array(all.prefix(limit)), "for a limit of \(limit) came \(some.map(\.name.key))")
            }
            for limit in [0, -1, Int.min] {
                let none = try await subject.store.entries(of: sessions, limit: limit)
                try require(none.isEmpty, "for a limit of \(limit) came \(none.count)")
            }
            let most = try await subject.store.entries(of: sessions, limit: .max)
            try require(most == all, "without a limit came \(most.count)")
            let rest = try await subject.store.entries(of: sessions, after: session("a0"), limit: 3)
            try require(rest.map(\.name.key) == ["aA", "a_a", "aa"], "after a0 came \(rest.map(\.name.key))")
            let end = try await subject.store.entries(of: sessions, after: session("b"), limit: 3)
            try require(end.isEmpty, "after the last came \(end.map(\.name.key))")
        },
        SharedStoreConformance("many entries are listed page by page, each once, without those that have expired") {
            subject in
            let count = 1_300
            let start = ContinuousClock.now
            try await withThrowingTaskGroup(of: Void.self) { group in
                for lane in 0..<8 {
                    group.addTask {
                        for number in stride(from: lane, to: count, by: 8) {
                            let name = session("n\(100_000 + number)")
                            let time = number.isMultiple(of: 2) ? long : .milliseconds(1_500)
                            try await subject.store.set(name, [UInt8(truncatingIfNeeded: number)], lasting: time)
                        }
                    }
                }
                try await group.waitForAll()
            }
            subject.advance?(1_500)
            let expected = stride(from: 0, to: count, by: 2).map {
                StoreEntry(name: session("n\(100_000 + $0)"), value: [UInt8(truncatingIfNeeded: $0)])
            }
            // The last of those that expire was set by now.
            let bound: Duration = subject.advance == nil ? .milliseconds(1_500) + subject.patience : .zero
            try await eventually("the end of what has expired", within: bound) {
                try await subject.all(of: sessions, pages: 5_000).count <= expected.count
            }
            try require(subject.advance != nil || .now - start >= .milliseconds(1_490), "entries expired too early")
            for limit in [100, 649, 650, 5_000] {
                let all = try await subject.all(of: sessions, pages: limit)
                try require(all == expected, "in pages of \(limit) came \(all.count) of \(expected.count)")
            }
        },
        SharedStoreConformance("a listing with more bytes than there may be is refused, and a shorter one is not") {
            subject in
            let value = Array(repeating: UInt8(7), count: StoreLimits.value)
            let most = StoreLimits.listedBytes / StoreLimits.value
            for number in 0...most { try await subject.store.set(session("n\(1_000 + number)"), value, lasting: long) }
            let listed = try await subject.store.entries(of: sessions, limit: most)
            try require(listed.count == most && listed.allSatisfy { $0.value == value }, "\(listed.count) came")
            do throws(BusError) { _ = try await subject.store.entries(of: sessions, limit: most + 1) } catch {
                try require(error.code == .tooLarge, "it is refused as \(error)")
                try require(
                    try await subject.store.value(of: session("n1000")) == value, "the store is of no use after it")
                return
            }
            throw ConformanceFailure("it is not refused")
        },
    ]
}
