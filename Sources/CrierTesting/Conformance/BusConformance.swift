public import MessageBus

/// A bus that the suite examines, fresh for each check.
public struct BusUnderTest: Sendable {
    public let bus: any MessageBus
    /// How many alerts its log holds at most; checks of retention publish more.
    public let retainedAlerts: Int
    /// How long a check waits for what has to come.
    public let patience: Duration
    /// Lets time pass for the bus; `nil` where it has the machine's clock.
    public let advance: (@Sendable (_ milliseconds: Int64) -> Void)?

    public init(
        bus: any MessageBus, retainedAlerts: Int, patience: Duration = .patience,
        advance: (@Sendable (_ milliseconds: Int64) -> Void)? = nil
    ) {
        self.bus = bus
        self.retainedAlerts = retainedAlerts
        self.patience = patience
        self.advance = advance
    }
}

extension BusUnderTest {
    /// What a subscription hands over next, within the bound.
    func next(_ subscription: any Subscription, limit: Int = 100) async throws -> Delivery? {
        try await within(patience) { try await subscription.next(limit: limit) }
    }

    /// Reads until `count` alerts came, within the bound.
    func take(_ count: Int, from subscription: any Subscription) async throws -> [Alert] {
        try await within(patience) {
            var alerts: [Alert] = []
            while alerts.count < count {
                switch try await subscription.next(limit: 100) {
                case .alerts(let more): alerts += more
                case .lost(let loss): throw ConformanceFailure("unexpected loss: \(loss)")
                case .away, .back: break
                case nil: throw ConformanceFailure("the subscription ended after \(alerts.count) of \(count) alerts")
                }
            }
            return alerts
        }
    }
}

/// What a bus did not do as `MessageBus` says.
public struct ConformanceFailure: Error, Sendable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}

/// One check of the contract that `MessageBus` states. Every backend's tests run `all` against the real thing.
public struct BusConformance: Sendable, CustomStringConvertible {
    public let description: String
    private let check: @Sendable (BusUnderTest) async throws -> Void

    init(_ description: String, _ check: @escaping @Sendable (BusUnderTest) async throws -> Void) {
        self.description = description
        self.check = check
    }

    /// Carries the check out.
    ///
    /// - Throws: `ConformanceFailure`, `Overdue`, or what the bus threw.
    public func run(on subject: BusUnderTest) async throws { try await check(subject) }

    public static let all: [BusConformance] = publishing + delivery + membership

    static func require(_ condition: Bool, _ message: @autoclosure () -> String) throws {
        if !condition { throw ConformanceFailure(message()) }
    }
}

/// What checks publish and who they are.
extension BusConformance {
    static func draft(
        _ body: String, topic: String = "checks", key: String? = nil, at time: WallTime = WallClock.system.now()
    ) -> Draft {
        Draft(
            topic: Topic(topic)!, content: AlertContent(message: body), time: time, sender: nil,
            region: "here", key: key)
    }

    static func vm(_ id: String, boot: String = "first") -> VMIdentity {
        VMIdentity(id: id, region: "here", boot: boot)!
    }
}
