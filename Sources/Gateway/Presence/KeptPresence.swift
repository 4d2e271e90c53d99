import MessageBus

/// This VM's presence record in the store: what is there of it, and until when it needs nothing.
///
/// Parts are written one after the other. Where people move between the parts of a record that has several, another VM that reads just then may miss
/// one for as long as the writing takes.
struct KeptPresence: Sendable {
    private struct Part {
        /// `nil` where it is not known what is in the store.
        var value: [UInt8]?
        var renewed: ContinuousClock.Instant
    }

    private let names: PresenceNames
    private let store: any SharedStore
    private let timing: PresenceTiming
    private var parts: [Part] = []

    init(_ names: PresenceNames, in store: any SharedStore, timing: PresenceTiming) {
        self.names = names
        self.store = store
        self.timing = timing
    }

    /// How long it needs nothing, unless what there is to tell changes.
    var patience: Duration {
        let now = ContinuousClock.now
        let next = parts.map { $0.value == nil ? now : $0.renewed + timing.renew }.min() ?? now + timing.renew
        return max(.zero, next - now)
    }

    /// Sees to it that the store has these parts and no others: writes those that changed, renews those whose time has come.
    mutating func keep(_ values: [[UInt8]]) async throws(BusError) {
        for (index, value) in values.enumerated() { try await keep(value, at: index) }
        try await shorten(to: values.count)
    }

    /// Removes it from the store. Whatever cannot be removed goes with its lease.
    ///
    /// - Parameter bound: after this long nothing more is asked of the store; what it was asked last it has to answer in its own bound.
    mutating func remove(within bound: Duration) async {
        let deadline = ContinuousClock.now + bound
        while !parts.isEmpty, ContinuousClock.now < deadline {
            do throws(BusError) { try await shorten(to: parts.count - 1) } catch { return }
        }
    }

    private mutating func keep(_ value: [UInt8], at index: Int) async throws(BusError) {
        let name = try names.name(of: index)
        let began = ContinuousClock.now
        if index < parts.count, parts[index].value == value {
            guard parts[index].renewed + timing.renew <= began else { return }
            if try await store.extend(name, lasting: timing.lease) {
                parts[index].renewed = began
                return
            }
        }
        if index == parts.count { parts.append(Part(value: nil, renewed: began)) }
        parts[index].value = nil
        try await store.set(name, value, lasting: timing.lease)
        parts[index] = Part(value: value, renewed: began)
    }

    private mutating func shorten(to count: Int) async throws(BusError) {
        while parts.count > count {
            _ = try await store.remove(names.name(of: parts.count - 1))
            parts.removeLast()
        }
    }
}
