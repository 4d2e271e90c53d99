import MessageBus
import NIOConcurrencyHelpers

/// Publishers that publish every alert twice with the same key, and subscriptions that follow, all at once.
final class Storm: Sendable {
    private let bus: any MessageBus
    private let bound: Duration
    private let publishers: Int
    private let alertsEach: Int
    private let followers: Int
    private let checker = NIOLockedValueBox(DeliveryChecker())

    init(_ subject: BusUnderTest, publishers: Int, alertsEach: Int, followers: Int) {
        self.bus = subject.bus
        self.bound = subject.patience * 6
        self.publishers = publishers
        self.alertsEach = alertsEach
        self.followers = followers
    }

    func run() async throws {
        var subscriptions: [any Subscription] = []
        for index in 0..<followers {
            let subscription = try await bus.subscribe(BusConformance.vm("storm-\(index)"), tail: 0)
            checker.withLockedValue { $0.begin("vm \(index)", after: subscription.start) }
            subscriptions.append(subscription)
        }
        try await within(bound, "the end of the storm") { [subscriptions] in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for publisher in 0..<self.publishers { group.addTask { try await self.publish(publisher) } }
                for (index, subscription) in subscriptions.enumerated() {
                    group.addTask { try await self.follow(subscription, as: "vm \(index)") }
                }
                try await group.waitForAll()
            }
        }
        let violations = checker.withLockedValue { $0.violations() }
        try BusConformance.require(violations.isEmpty, violations.prefix(10).map(\.description).joined(separator: "; "))
    }

    private func publish(_ publisher: Int) async throws {
        for number in 0..<alertsEach {
            let body = "\(publisher).\(number)"
            checker.withLockedValue { $0.attempt(body) }
            for _ in 0..<2 {
                let receipts = try await bus.publish([BusConformance.draft(body, key: body)])
                checker.withLockedValue { $0.acknowledge(body, at: receipts[0].position) }
            }
        }
    }

    private func follow(_ subscription: any Subscription, as name: String) async throws {
        var count = 0
        while count < publishers * alertsEach {
            guard let delivery = try await subscription.next(limit: 37) else { return }
            checker.withLockedValue { checker in
                switch delivery {
                case .alerts(let alerts):
                    for alert in alerts { checker.see(name, alert.position, alert.draft.content.message) }
                    count += alerts.count
                case .lost(let loss): checker.tellLoss(name, resumesAfter: loss.resumesAfter)
                case .away, .back: break
                }
            }
        }
    }
}
