/// Carries alerts between VMs: one log for all topics, many cursors.
///
/// The contract, which every backend keeps and `CrierTesting`'s conformance suite checks:
///
/// - **Publishing.** `publish` returns after the bus has accepted every draft of the batch, in the batch's order, and no other alert stands at
///   their positions. Thrown means unknown or not accepted: repeat it with the same keys.
/// - **Idempotency.** A draft whose key was accepted on the same topic within the last five minutes raises nothing; its receipt names the first
///   one's position and says so.
/// - **Order and delivery.** A subscription hands over the log after its cursor in log order, each position once, contiguous inside an epoch.
/// - **Losses are said.** Where the log cannot be handed over without a hole (retention passed the cursor, the log began a new epoch, the backend
///   lost something), the subscription says `.lost` before anything that stands after the hole.
/// - **Back-pressure.** A subscription is pulled: the bus holds its cursor, never a queue of its own for it, and nothing is dropped because a
///   VM is slow; it falls behind until retention passes it, which is then said.
/// - **Absence.** While the backend is away, `publish` throws `.unavailable` with a time to wait, and subscriptions say `.away`, then `.back` once
///   they read again, without anyone subscribing anew. A backend that is connected but deaf is found within 10 s.
/// - **Subscriptions** are named `ID_<FLY_ALLOC_ID>` and fenced by the VM's boot id: a newer boot takes the name over, and whatever
///   an older boot still does to it has no effect. `delete` removes the name from the bus.
/// - **Isolation.** All methods may be called from any task or thread, concurrently. Two calls of `next` on one subscription may not overlap.
public protocol MessageBus: Sendable {
    /// Puts a batch into the log.
    ///
    /// - Returns: one receipt for each draft, in order.
    func publish(_ drafts: [Draft]) async throws(BusError) -> [Receipt]

    /// Takes the VM's place on the bus.
    ///
    /// - Parameters:
    ///   - vm: whose place it is; a subscription of the same id and another boot is taken over, and the hand-over then begins no later than
    ///     where that one had reported to be, as far as the log still has it.
    ///   - tail: how many alerts before the log's end to begin with, so that the VM's ring can be filled.
    func subscribe(_ vm: VMIdentity, tail: Int) async throws(BusError) -> any Subscription

    /// The VMs that have a place on the bus, by subscription name.
    func vms() async throws(BusError) -> [VMRecord]
}

/// A VM's place on the bus.
public protocol Subscription: Sendable {
    var name: SubscriptionName { get }

    /// Where the hand-over began: everything after this position is handed over.
    var start: Position { get }

    /// The log's end when the subscription was made: the VM is warm once it was handed this position.
    var head: Position { get }

    /// Waits for the log to go on and hands over at most `limit` alerts.
    ///
    /// Cancelling the waiting task ends the wait with `nil` and moves nothing.
    ///
    /// - Returns: `nil` once the subscription is deleted or was taken over by a newer boot.
    func next(limit: Int) async throws(BusError) -> Delivery?

    /// Tells the bus what `VMRecord`s say of this VM. Has no effect once the subscription was deleted or taken over.
    func report(_ load: VMLoad) async

    /// Removes the subscription from the bus. Repeating it, or deleting what a newer boot took over, has no effect.
    func delete() async throws(BusError)
}

/// What a subscription hands over.
public enum Delivery: Sendable {
    /// The log's next alerts, never empty.
    case alerts([Alert])
    /// Part of the log is gone for this subscription.
    case lost(Loss)
    /// The backend is away: alerts may be late.
    case away
    /// The backend is here again, and nothing was lost that `.lost` did not say.
    case back
}

/// A hole in what a subscription hands over.
public struct Loss: Sendable, Equatable {
    public enum Cause: String, Sendable {
        /// The log's retention passed the cursor.
        case retention
        /// The log began a new epoch.
        case epoch
        /// The backend lost alerts that it had accepted.
        case lost
    }

    public let cause: Cause
    /// The hand-over goes on after this position.
    public let resumesAfter: Position

    public init(cause: Cause, resumesAfter: Position) {
        self.cause = cause
        self.resumesAfter = resumesAfter
    }
}

/// The bus's word that it holds an alert.
public struct Receipt: Sendable, Equatable {
    public let position: Position
    /// Whether the key was known, so that nothing new was raised.
    public let isDuplicate: Bool

    public init(position: Position, isDuplicate: Bool) {
        self.position = position
        self.isDuplicate = isDuplicate
    }
}
