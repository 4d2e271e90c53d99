import NIOCore

/// How long a connection that speaks HTTP may take.
enum HTTPDeadline {
    /// For the first request's head.
    static let head = TimeAmount.seconds(5)
    /// For a request's body.
    static let body = TimeAmount.seconds(30)
    /// For the next request.
    static let idle = TimeAmount.seconds(75)
}
