import CLinux
import NIOCore

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// What epoll(7) is asked for and tells of a descriptor.
struct Readiness: OptionSet {
    let rawValue: UInt32

    static let readable = Readiness(EPOLLIN)
    static let writable = Readiness(EPOLLOUT)
    /// The peer has ended its side.
    static let ended = Readiness(EPOLLRDHUP)
    /// Always told, asked for or not: the connection is over, or has an error to fetch.
    static let broken: Readiness = [Readiness(EPOLLHUP), Readiness(EPOLLERR)]

    init(rawValue: UInt32) { self.rawValue = rawValue }

    private init(_ event: EPOLL_EVENTS) { self.rawValue = event.rawValue }
}

/// An epoll instance and the eventfd that ends its waiting. Level-triggered: what is not dealt with is told again.
///
/// The kernel lets any thread use it.
struct Epoll: ~Copyable, Sendable {
    private let instance: CInt
    private let alarm: CInt

    /// What the alarm's event carries in place of a token.
    private static let alarmToken = UInt64.max

    /// - Throws: what the system says where it has no descriptor or memory left.
    init() throws(SocketError) {
        let instance = try SocketError.check("epoll_create1", epoll_create1(CInt(EPOLL_CLOEXEC)))
        let alarm: CInt
        do throws(SocketError) {
            alarm = try SocketError.check("eventfd", eventfd(0, CInt(EFD_NONBLOCK) | CInt(EFD_CLOEXEC)))
            try Self.control(instance, EPOLL_CTL_ADD, alarm, .readable, Self.alarmToken)
        } catch {
            close(instance)
            throw error
        }
        self.instance = instance
        self.alarm = alarm
    }

    deinit {
        close(alarm)
        close(instance)
    }

    /// - Parameter token: told with the descriptor's events.
    func add(_ descriptor: CInt, for interest: Readiness, token: UInt64) throws(SocketError) {
        try Self.control(instance, EPOLL_CTL_ADD, descriptor, interest, token)
    }

    func change(_ descriptor: CInt, for interest: Readiness, token: UInt64) throws(SocketError) {
        try Self.control(instance, EPOLL_CTL_MOD, descriptor, interest, token)
    }

    func remove(_ descriptor: CInt) {
        _ = epoll_ctl(instance, EPOLL_CTL_DEL, descriptor, nil)
    }

    private static func control(
        _ instance: CInt, _ operation: CInt, _ descriptor: CInt, _ interest: Readiness, _ token: UInt64
    ) throws(SocketError) {
        var event = epoll_event()
        event.events = interest.rawValue
        event.data.u64 = token
        try SocketError.check("epoll_ctl", epoll_ctl(instance, operation, descriptor, &event))
    }

    /// Ends the waiting that is under way, or else the next.
    func wake() {
        var one: UInt64 = 1
        _ = write(alarm, &one, MemoryLayout<UInt64>.size)
    }

    /// Waits and tells what is ready.
    ///
    /// - Parameters:
    ///   - patience: how long at most; `nil` waits for ever.
    ///   - events: room for what is told in one go.
    func wait(
        _ patience: TimeAmount?, events: inout [epoll_event],
        _ body: (_ token: UInt64, _ readiness: Readiness) -> Void
    ) {
        // epoll_wait(2) counts in milliseconds: rounded up, so that nothing is early.
        let milliseconds = patience.map { CInt(clamping: ($0.nanoseconds + 999_999) / 1_000_000) } ?? -1
        let count = epoll_wait(instance, &events, CInt(events.count), milliseconds)
        // A signal ends the waiting early: the loop turns once more.
        guard count > 0 else { return }
        for event in events[..<Int(count)] {
            if event.data.u64 == Self.alarmToken {
                var rung: UInt64 = 0
                _ = read(alarm, &rung, MemoryLayout<UInt64>.size)
            } else {
                body(event.data.u64, Readiness(rawValue: event.events))
            }
        }
    }
}
