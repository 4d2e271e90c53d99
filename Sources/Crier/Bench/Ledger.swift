import NIOConcurrencyHelpers
import NIOCore

/// The alerts that a load run has published and how far each loop's readers are. Shared by the loops.
final class Ledger: Sendable {
    /// Alerts that may be on their way, and as many again that may still be asked about; a power of two.
    static let capacity = 1 << 15
    static let mostOnTheirWay = UInt32(capacity / 2)

    private struct State {
        var published: UInt32 = 0
        var due = [NIODeadline](repeating: .distantPast, count: capacity)
        var finished: [UInt32]
        var sighted: UInt32 = 0
    }

    /// Where the alerts are.
    struct Standing: Sendable {
        /// The number of the last alert.
        var published: UInt32
        /// Every reader has the alerts up to this one.
        var finished: UInt32
        /// The newest alert that any reader has.
        var sighted: UInt32
    }

    private let state: NIOLockedValueBox<State>

    init(loops: Int) { state = NIOLockedValueBox(State(finished: Array(repeating: 0, count: loops))) }

    var standing: Standing {
        state.withLockedValue { state in
            Standing(
                published: state.published, finished: state.finished.min() ?? state.published, sighted: state.sighted)
        }
    }

    /// Notes an alert before it is sent.
    ///
    /// - Returns: its number; the first is 1.
    func publish(due: NIODeadline) -> UInt32 {
        state.withLockedValue { state in
            state.published += 1
            state.due[Int(state.published) % Self.capacity] = due
            return state.published
        }
    }

    /// Gives the alerts after that one that are published, each with the time when it was due.
    func forEach(after number: UInt32, _ body: (UInt32, NIODeadline) -> Void) {
        state.withLockedValue { state in
            // Older ones are overwritten; nobody waits for them.
            var number = max(number, state.published - min(state.published, UInt32(Self.capacity)))
            while number < state.published {
                number += 1
                body(number, state.due[Int(number) % Self.capacity])
            }
        }
    }

    /// A loop's readers are so far.
    func reached(finished: UInt32, sighted: UInt32, loop: Int) {
        state.withLockedValue { state in
            state.finished[loop] = finished
            state.sighted = max(state.sighted, sighted)
        }
    }
}
