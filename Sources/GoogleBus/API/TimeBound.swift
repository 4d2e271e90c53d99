/// A time that an operation may take.
struct TimeBound: Sendable {
    private let deadline: ContinuousClock.Instant

    init(_ duration: Duration) { deadline = ContinuousClock.now + duration }

    /// Never negative.
    var rest: Duration { max(deadline - ContinuousClock.now, .zero) }

    /// Runs an operation, which is cancelled when the time has passed, and which has to end soon then.
    ///
    /// - Parameters:
    ///   - late: thrown when the time has passed.
    ///   - cancelled: thrown when the task is cancelled.
    func run<Value: Sendable>(
        late: PubSubError, cancelled: PubSubError,
        _ operation: @escaping @Sendable () async throws(PubSubError) -> Value
    ) async throws(PubSubError) -> Value {
        guard !Task.isCancelled else { throw cancelled }
        let deadline = deadline
        let result = await withTaskGroup(of: Result<Value, PubSubError>.self) { group in
            group.addTask {
                do throws(PubSubError) {
                    return .success(try await operation())
                } catch {
                    return .failure(error)
                }
            }
            group.addTask {
                do {
                    try await ContinuousClock().sleep(until: deadline)
                    return .failure(late)
                } catch {
                    return .failure(cancelled)
                }
            }
            let first = await group.next()
            group.cancelAll()
            return first ?? .failure(cancelled)
        }
        return try result.get()
    }
}
