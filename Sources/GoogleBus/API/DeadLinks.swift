import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Finds connections whose other end is gone without a word, while a pull waits on them for minutes.
enum DeadLinks {
    /// Has the kernel ask the other end after four seconds of silence, three times in six seconds; then the connection fails.
    @Sendable static func watch(_ channel: any Channel) -> EventLoopFuture<Void> {
        let watched = channel.setOption(.socketOption(.so_keepalive), value: 1)
        #if os(Linux)
            return watched.flatMap {
                channel.setOption(.tcpOption(.init(rawValue: TCP_KEEPIDLE)), value: 4)
            }.flatMap {
                channel.setOption(.tcpOption(.init(rawValue: TCP_KEEPINTVL)), value: 2)
            }.flatMap {
                channel.setOption(.tcpOption(.init(rawValue: TCP_KEEPCNT)), value: 3)
            }
        #else
            return watched
        #endif
    }
}
