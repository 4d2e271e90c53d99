import NIOConcurrencyHelpers

/// The ports that readers and publishers may connect to now.
final class ReaderTargets: Sendable {
    private let ports: NIOLockedValueBox<[Int]>

    init(_ ports: [Int]) { self.ports = NIOLockedValueBox(ports) }

    func any() -> Int? { ports.withLockedValue { $0.randomElement() } }

    func set(_ ports: [Int]) { self.ports.withLockedValue { $0 = ports } }
}
