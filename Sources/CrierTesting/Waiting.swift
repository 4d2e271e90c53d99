import NIOCore
import NIOPosix

/// Something that a test waited for and that did not come in time.
public struct Overdue: Error, Sendable, CustomStringConvertible {
    public let description: String

    /// - Parameter output: the end of what was written by the process that it should have come from.
    public init(_ awaited: String, within bound: Duration, output: String = "") {
        let what = "\(awaited) did not come within \(bound)"
        description = output.isEmpty ? what : "\(what); the process wrote:\n\(output)"
    }
}

/// Waits for what something returns or throws.
///
/// The bound holds also where the body does not heed that it is cancelled, such as one that waits for another task: it is then left to itself.
///
/// - Throws: ``Overdue`` where it goes on after the bound; what it threw.
public func within<Value: Sendable>(
    _ bound: Duration = .patience, _ awaited: String = "what was awaited",
    _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
    let promise = eventLoop.makePromise(of: Value.self)
    let task = promise.completeWithTask(body)
    let deadline = eventLoop.scheduleTask(in: TimeAmount(bound)) {
        promise.fail(Overdue(awaited, within: bound))
        task.cancel()
    }
    defer { deadline.cancel() }
    return try await withTaskCancellationHandler {
        try await promise.futureResult.get()
    } onCancel: {
        task.cancel()
    }
}

/// Waits until a condition holds. It is looked at at least once, and again after pauses of 1 ms at first and 20 ms later.
///
/// - Parameter process: whose end, before the condition holds, is a failure at once, and whose output goes into failures.
/// - Throws: ``Overdue`` where it does not hold within the bound, `ServerProcess.Failure` where the process ended; what the condition threw.
public func eventually(
    _ awaited: String, within bound: Duration = .patience, of process: ServerProcess? = nil,
    _ holds: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + bound
    var pause = Duration.milliseconds(1)
    while try await !holds() {
        if let process, !process.isRunning {
            // What was awaited may have come with its end.
            if try await holds() { return }
            throw ServerProcess.Failure("the process ended before \(awaited)", output: process.output)
        }
        guard ContinuousClock.now < deadline else {
            throw Overdue(awaited, within: bound, output: process?.output ?? "")
        }
        try await ContinuousClock().sleep(for: pause)
        pause = min(pause * 2, .milliseconds(20))
    }
}

/// Does something again until it succeeds.
///
/// - Parameter pause: between one attempt and the next.
/// - Throws: what it threw last, where it does not succeed within the bound.
public func insist<Value>(
    within bound: Duration = .patience, pausing pause: Duration = .milliseconds(20), _ body: () async throws -> Value
) async throws -> Value {
    let deadline = ContinuousClock.now + bound
    while true {
        do { return try await body() } catch {
            guard ContinuousClock.now < deadline else { throw error }
            try await ContinuousClock().sleep(for: pause)
        }
    }
}
