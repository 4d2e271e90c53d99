import NIOCore

/// What is sent in one piece, and who waits for its replies.
struct RedisRequest: Sendable {
    let bytes: ByteBuffer
    /// How many replies come.
    let replyCount: Int
    let deadline: NIODeadline
    let replies: EventLoopPromise<[RESPValue]>
}
