import MessageBus

/// What a publisher asked for, checked, before the server adds who and when.
struct AlertRequest: Sendable, Equatable {
    let topic: Topic
    let content: AlertContent
    /// The idempotency key.
    var key: String?
    /// When it is to be raised; `nil`: now.
    var due: WallTime?
}

/// The sizes that a publisher has to keep.
struct IntakeLimits: Sendable {
    var text = 4096
    var title = 256
    var tags = 16
    var tag = 64
    var link = 2048
    var actions = 3
    var batch = 100
    /// The shortest and longest delay, in milliseconds.
    var delay: ClosedRange<Int64> = 1000...259_200_000
}
