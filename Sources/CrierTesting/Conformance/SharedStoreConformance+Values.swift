import MessageBus

extension SharedStoreConformance {
    static let values: [SharedStoreConformance] = [
        SharedStoreConformance("what was set is there for every VM, until it is replaced or removed") { subject in
            let name = session("a")
            try require(try await subject.store.value(of: name) == nil, "something is there before anything was set")
            try await subject.store.set(name, [1, 2, 3], lasting: long)
            try require(try await subject.store.value(of: name) == [1, 2, 3], "it is not there")
            try require(try await subject.other.value(of: name) == [1, 2, 3], "another VM does not see it")
            try await subject.other.set(name, [4], lasting: long)
            try require(try await subject.store.value(of: name) == [4], "it was not replaced")
            try require(try await subject.store.remove(name), "removing what is there says that it was not")
            try require(try await subject.other.value(of: name) == nil, "it is there after it was removed")
            try require(try await !subject.other.remove(name), "removing it again says that it was there")
            try require(try await !subject.store.extend(name, lasting: long), "what was removed is extended")
            try require(try await subject.store.value(of: name) == nil, "extending brought it back")
        },
        SharedStoreConformance("values are any bytes, up to the bound") { subject in
            let every = (0...255).map { UInt8($0) }
            let largest = (0..<StoreLimits.value).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
            for (key, value) in [("empty", []), ("zero", [0]), ("every", every), ("largest", largest)] {
                try await subject.store.set(session(key), value, lasting: long)
                let got = try await subject.other.value(of: session(key))
                try require(got == value, "\(key): \(got?.count ?? -1) bytes came back of \(value.count)")
            }
            let listed = try await subject.store.entries(of: sessions, limit: 10)
            try require(listed.map(\.value) == [[], every, largest, [0]], "they are listed otherwise")
        },
        SharedStoreConformance("a value past the bound is refused, and changes nothing") { subject in
            let name = session("large")
            try await subject.store.set(name, [1], lasting: long)
            do throws(BusError) {
                try await subject.store.set(name, Array(repeating: 0, count: StoreLimits.value + 1), lasting: long)
            } catch {
                try require(error.code == .tooLarge, "it is refused as \(error)")
                try require(try await subject.store.value(of: name) == [1], "what was there is gone")
                return
            }
            throw ConformanceFailure("it is taken")
        },
        SharedStoreConformance("the longest names are names, and names that look alike are apart") { subject in
            let longest = String(repeating: "k", count: StoreName.maximumKeyLength)
            let keys = ["A", "a", "-", "_", "0", "a-", "a_", longest]
            for (number, key) in keys.enumerated() {
                try await subject.store.set(session(key), [UInt8(number)], lasting: long)
            }
            for (number, key) in keys.enumerated() {
                try require(try await subject.store.value(of: session(key)) == [UInt8(number)], "\(key) is another's")
            }
        },
        SharedStoreConformance("collections are apart, and so are deployments") { subject in
            let name = session("same")
            guard let namesake = StoreName(presence, "same") else { throw ConformanceFailure("no name") }
            try await subject.store.set(name, [1], lasting: long)
            try await subject.store.set(namesake, [2], lasting: long)
            try require(try await subject.store.value(of: name) == [1], "another collection's entry replaced it")
            try require(try await subject.stranger.value(of: name) == nil, "another deployment sees it")
            try await subject.stranger.set(name, [3], lasting: long)
            try require(try await subject.store.value(of: name) == [1], "another deployment replaced it")
            try require(try await subject.stranger.remove(name), "another deployment's entry is not there")
            try require(try await subject.store.remove(name), "another deployment removed it")
            try require(try await subject.store.entries(of: sessions, limit: 9).isEmpty, "it is listed still")
            let left = try await subject.store.entries(of: presence, limit: 9)
            try require(left == [StoreEntry(name: namesake, value: [2])], "the other collection has \(left)")
            try require(
                try await subject.stranger.entries(of: presence, limit: 9).isEmpty, "another deployment lists it")
        },
    ]
}
