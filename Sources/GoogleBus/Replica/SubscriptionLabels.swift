import MessageBus

/// What Crier writes on its subscriptions, so that it knows its own from others'.
enum SubscriptionLabels {
    private static let application = "application"
    private static let crier = "crier"
    private static let bootLabel = "boot"

    static func labels(of vm: VMIdentity) -> [String: String] {
        [application: crier, bootLabel: boot(of: vm)]
    }

    /// The boot id in the letters that a label takes.
    static func boot(of vm: VMIdentity) -> String {
        String(vm.boot.lowercased().filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }.prefix(63))
    }

    /// Whether a subscription's name is such as Crier gives.
    static func isName(_ name: String) -> Bool { name.hasPrefix("ID_") }

    static func areCriers(_ labels: [String: String]) -> Bool { labels[application] == crier }

    static func boot(in labels: [String: String]) -> String? { labels[bootLabel] }
}

extension SubscriptionState {
    /// Which boot of a VM made the subscription; `nil` where none did.
    var boot: String? { SubscriptionLabels.boot(in: labels) }
}
