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

    /// Listens for signals until the task is cancelled.
    func watch(logger: Logger) async {
        var hasCome = false
        for await signal in await UnixSignalsSequence(trapping: .sigterm, .sigint) {
            if hasCome {
                logger.warning("leaving at once", metadata: ["signal": "\(signal)"])
                exit(1)
            }
            hasCome = true
            continuation.yield()
        }
    }

    /// Waits for the first signal.
    func waitForFirst() async {
        for await _ in first { return }
    }
}
