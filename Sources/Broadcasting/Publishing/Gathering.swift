import NIOConcurrencyHelpers

/// Collects a known number of results that come on any thread in any order, and hands them over once all are there.
final class Gathering<Element: Sendable>: Sendable {
    private let slots: NIOLockedValueBox<(values: [Element?], missing: Int)>
    private let finished: @Sendable ([Element]) -> Void

    init(_ count: Int, finished: @escaping @Sendable ([Element]) -> Void) {
        self.slots = NIOLockedValueBox((Array(repeating: nil, count: count), count))
        self.finished = finished
        if count == 0 { finished([]) }
    }

    func put(_ value: Element, at index: Int) {
        let complete = slots.withLockedValue { slots -> [Element]? in
            if slots.values[index] == nil { slots.missing -= 1 }
            slots.values[index] = value
            return slots.missing == 0 ? slots.values.compactMap(\.self) : nil
        }
        if let complete { finished(complete) }
    }
}
