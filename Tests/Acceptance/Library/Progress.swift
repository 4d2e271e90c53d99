import NIOConcurrencyHelpers

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Says on standard error how far a run is: one line that changes on a terminal, else a line every ten seconds.
final class Progress: Sendable {
    private let isTerminal = isatty(2) == 1
    private let lastLine = NIOLockedValueBox<ContinuousClock.Instant?>(nil)

    func show(_ text: String) {
        if isTerminal {
            write("\r\u{1B}[K" + text)
        } else {
            let isDue = lastLine.withLockedValue { last in
                if let last, ContinuousClock.now - last < .seconds(10) { return false }
                last = .now
                return true
            }
            if isDue { write(text + "\n") }
        }
    }

    /// A line that stays.
    func say(_ text: String) { write((isTerminal ? "\r\u{1B}[K" : "") + text + "\n") }

    private func write(_ text: String) {
        let bytes = Array(text.utf8)
        _ = bytes.withUnsafeBytes { systemWrite(2, $0.baseAddress, $0.count) }
    }
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    guard let bytes else { return 0 }
    return write(descriptor, bytes, count)
}
