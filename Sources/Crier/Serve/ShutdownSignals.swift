import Logging
import UnixSignals

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// SIGTERM and SIGINT: the first asks the server to leave, the second ends the process at once.
struct ShutdownSignals: Sendable {
    private let first: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() { (first, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

    /// Signals that come this soon after the first are the same wish: programs that run others often send it to the process and to its group.
    private static let echo = Duration.milliseconds(300)

    /// Listens for signals until the task is cancelled.
    func watch(logger: Logger) async {
        var first: ContinuousClock.Instant?
        for await signal in await UnixSignalsSequence(trapping: .sigterm, .sigint) {
            if let first {
                if ContinuousClock.now - first < Self.echo { continue }
                logger.warning("leaving at once", metadata: ["signal": "\(signal)"])
                exit(1)
            }
            first = .now
            continuation.yield()
        }
    }

    /// Waits for the first signal.
    func waitForFirst() async {
        for await _ in first { return }
    }
}
