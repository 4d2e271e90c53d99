import NIOConcurrencyHelpers

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Says on standard error how far the runs are: one line that changes on a terminal, else a line every ten seconds.
final class Progress: Sendable {
    private struct State {
        /// How far each run is that goes on.
        var runs: [String: String] = [:]
        var shown: ContinuousClock.Instant?
    }

    private static let clearLine = "\r\u{1B}[K"
    private let isTerminal = isatty(2) == 1
    private let state = NIOLockedValueBox(State())

    /// How far a run is.
    func show(_ text: String, of run: String) {
        let line: String? = state.withLockedValue { state in
            state.runs[run] = text
            if !isTerminal, let shown = state.shown, ContinuousClock.now - shown < .seconds(10) { return nil }
            state.shown = .now
            return state.runs.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }.joined(separator: " · ")
        }
        if let line { write(isTerminal ? Self.clearLine + line : line + "\n") }
    }

    /// A run is over.
    func end(of run: String) { state.withLockedValue { _ = $0.runs.removeValue(forKey: run) } }

    /// A line that stays.
    func say(_ text: String) { write((isTerminal ? Self.clearLine : "") + text + "\n") }

    private func write(_ text: String) {
        let bytes = Array(text.utf8)
        bytes.withUnsafeBytes { bytes in
            // Where standard error is closed there is nobody to tell.
            _ = bytes.baseAddress.map { systemWrite($0, bytes.count) }
        }
    }
}

private func systemWrite(_ bytes: UnsafeRawPointer, _ count: Int) -> Int { write(2, bytes, count) }
