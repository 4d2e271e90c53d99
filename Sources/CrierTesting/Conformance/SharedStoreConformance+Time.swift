import MessageBus

extension SharedStoreConformance {
    static let time: [SharedStoreConformance] = [
        SharedStoreConformance("an entry lasts as long as it was told, and is absent everywhere then") { subject in
            let name = session("short")
            let kept = session("kept")
            try await subject.store.set(kept, [2], lasting: long)
            let start = ContinuousClock.now
            try await subject.store.set(name, [1], lasting: .milliseconds(400))
            try await subject.awaitExpiry(of: name, from: start, after: 400)
            try require(try await subject.other.value(of: name) == nil, "another VM sees it")
            let listed = try await subject.store.entries(of: sessions, limit: 9).map(\.name)
            try require(listed == [kept], "listed are \(listed)")
            try require(try await !subject.store.extend(name, lasting: long), "what has expired is extended")
            try require(try await subject.store.value(of: name) == nil, "extending brought it back")
            try require(try await !subject.store.remove(name), "removing it says that it was there")
            try await subject.store.set(name, [3], lasting: long)
            try require(try await subject.store.value(of: name) == [3], "it cannot be set again")
        },
        SharedStoreConformance("extending lets an entry last from now, and leaves its value") { subject in
            let name = session("extended")
            try await subject.store.set(name, [7], lasting: .milliseconds(2_000))
            subject.advance?(1_500)
            let start = ContinuousClock.now
            try require(try await subject.other.extend(name, lasting: .milliseconds(3_000)), "it is not extended")
            try require(try await subject.store.value(of: name) == [7], "its value changed")
            try await subject.awaitExpiry(of: name, from: start, after: 3_000)
        },
        SharedStoreConformance("extending never shortens, replacing does") { subject in
            let name = session("shorter")
            let start = ContinuousClock.now
            try await subject.store.set(name, [1], lasting: .milliseconds(600))
            try require(try await subject.store.extend(name, lasting: .milliseconds(1)), "it is not extended")
            try await subject.awaitExpiry(of: name, from: start, after: 600)
            try await subject.store.set(name, [1], lasting: long)
            let replaced = ContinuousClock.now
            try await subject.store.set(name, [2], lasting: .milliseconds(300))
            try await subject.awaitExpiry(of: name, from: replaced, after: 300)
        },
        SharedStoreConformance("times that are none, or have no end, are held at what a store can do") { subject in
            let name = session("extreme")
            for time in [Duration.zero, .seconds(-5), .seconds(Int64.min), .nanoseconds(1)] {
                try await subject.store.set(name, [1], lasting: time)
                try await subject.awaitExpiry(of: name, from: .now, after: 1)
            }
            for time in [Duration.seconds(Int64.max), StoreLimits.lifetime] {
                try await subject.store.set(name, [1], lasting: time)
                try require(try await subject.store.extend(name, lasting: time), "it is not extended by \(time)")
                try require(try await subject.other.value(of: name) == [1], "it does not last for \(time)")
            }
        },
    ]
}
