import NIOConcurrencyHelpers
import NIOCore

/// Whether a server lets reads wait, found out once: some hosted ones refuse them, or answer at once.
final class WaitingTrial: Sendable {
    /// How long the trial waits.
    private static let wait = TimeAmount.milliseconds(200)
    /// What a wait of that length takes at least.
    private static let shortest = TimeAmount.milliseconds(150)

    private let outcome: NIOLockedValueBox<Bool?>

    /// - Parameter known: what is known already.
    init(_ known: Bool?) { outcome = NIOLockedValueBox(known) }

    /// `nil` until it is known.
    var offersWaiting: Bool? { outcome.withLockedValue { $0 } }

    /// Finds it out, where it is not known.
    func run(
        on connection: RedisConnection, absentStream: String, by deadline: NIODeadline
    ) async throws(RedisFailure) {
        if offersWaiting != nil { return }
        let command = RedisCommand(
            "XREAD", "COUNT", "1", "BLOCK", String(Self.wait.nanoseconds / 1_000_000), "STREAMS", absentStream, "0-0")
        let start = NIODeadline.now()
        do throws(RedisFailure) {
            let isEmpty = try await connection.send(command, by: deadline) == .null
            let isWaited = NIODeadline.now() - start >= Self.shortest
            outcome.withLockedValue { $0 = isEmpty && isWaited }
        } catch {
            guard error.code == "NOPERM" || error.code == "ERR" else { throw error }
            outcome.withLockedValue { $0 = false }
        }
    }
}
