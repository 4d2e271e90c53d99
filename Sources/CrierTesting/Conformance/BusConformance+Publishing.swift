import MessageBus

extension BusConformance {
    static let publishing: [BusConformance] = [
        BusConformance("a batch stands in the log in order, without a hole") { subject in
            let first = try await subject.bus.publish((0..<50).map { draft("\($0)") })
            let second = try await subject.bus.publish([draft("last")])
            let positions = (first + second).map(\.position)
            try require(positions.count == 51, "\(positions.count) receipts for 51 drafts")
            for (left, right) in zip(positions, positions.dropFirst()) {
                try require(left.isFollowed(by: right), "\(right) follows \(left)")
            }
        },
        BusConformance("an empty batch is accepted") { subject in
            try require(try await subject.bus.publish([]).isEmpty, "receipts for nothing")
        },
        BusConformance("a repeated key raises nothing and names the first position") { subject in
            let subscription = try await subject.bus.subscribe(vm("keys"), tail: 0)
            let first = try await subject.bus.publish([draft("a", key: "k"), draft("b")])
            let again = try await subject.bus.publish([draft("c"), draft("a", key: "k"), draft("a", key: "k")])
            try require(!first[0].isDuplicate, "the first use of a key counts as a repetition")
            for receipt in again[1...] {
                try require(receipt.isDuplicate, "a repeated key does not count as one")
                try require(receipt.position == first[0].position, "a repeated key names \(receipt.position)")
            }
            let bodies = try await subject.take(3, from: subscription).map(\.draft.content.message)
            try require(bodies == ["a", "b", "c"], "the log holds \(bodies)")
        },
        BusConformance("a key holds on its own topic only") { subject in
            let receipts = try await subject.bus.publish([
                draft("a", topic: "one", key: "k"), draft("b", topic: "two", key: "k"),
            ])
            try require(!receipts[1].isDuplicate, "another topic's key counts")
        },
        BusConformance("a key is forgotten after five minutes") { subject in
            guard let advance = subject.advance else { return }
            let first = try await subject.bus.publish([draft("a", key: "k")])
            advance(299_000)
            let within = try await subject.bus.publish([draft("a", key: "k")])
            try require(within[0].isDuplicate, "a key does not hold for five minutes")
            advance(2_000)
            let after = try await subject.bus.publish([draft("a", key: "k")])
            try require(!after[0].isDuplicate && after[0].position > first[0].position, "a key holds for ever")
        },
        BusConformance("publishers and subscriptions at once lose, double and reorder nothing") { subject in
            try await Storm(subject, publishers: 8, alertsEach: min(200, subject.retainedAlerts / 10), followers: 4)
                .run()
        },
    ]
}
