import MessageBus

extension SharedStoreConformance {
    static let concurrency: [SharedStoreConformance] = [
        SharedStoreConformance("VMs that write at once lose nothing, and agree") { subject in
            let writers = 8
            let rounds = 30
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<writers {
                    let store = writer.isMultiple(of: 2) ? subject.store : subject.other
                    group.addTask {
                        for round in 0..<rounds {
                            let value = [UInt8(writer), UInt8(round)]
                            try await store.set(session("w\(writer)-r\(round)"), value, lasting: long)
                            try await store.set(session("shared"), value, lasting: long)
                            _ = try await store.extend(session("shared"), lasting: long)
                        }
                    }
                }
                try await group.waitForAll()
            }
            let listed = try await subject.store.entries(of: sessions, limit: 10_000)
            try require(listed.count == writers * rounds + 1, "\(listed.count) entries are left")
            let shared = try await subject.store.value(of: session("shared"))
            try require(shared?.last == UInt8(rounds - 1), "an older value won: \(shared ?? [])")
            try require(try await subject.other.value(of: session("shared")) == shared, "the VMs do not agree")
        },
        SharedStoreConformance("of those that remove one entry at once, one had it, and nobody brings it back") {
            subject in
            for round in 0..<20 {
                let name = session("contested-\(round)")
                try await subject.store.set(name, [1], lasting: long)
                let removals = try await withThrowingTaskGroup(of: Bool.self) { group in
                    for store in [subject.store, subject.other, subject.store, subject.other] {
                        group.addTask { try await store.remove(name) }
                        group.addTask {
                            _ = try await store.extend(name, lasting: long)
                            return false
                        }
                    }
                    return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
                }
                try require(removals == 1, "\(removals) removed it")
                try require(try await subject.store.value(of: name) == nil, "it is there again")
            }
            let left = try await subject.store.entries(of: sessions, limit: 9)
            try require(left.isEmpty, "listed are \(left.map(\.name))")
        },
    ]
}
