public import Dispatch
public import NIOCore
import Synchronization

/// Several ``ReactorLoop``s, given out in turn.
public final class ReactorLoopGroup: EventLoopGroup {
    /// The loops, at least one.
    public let loops: [ReactorLoop]
    private let turn = Atomic(0)

    /// Starts the threads.
    ///
    /// - Parameters:
    ///   - count: how many; at least one is started.
    ///   - usesRing: whether io_uring is tried for writing to many sockets.
    public init(count: Int, usesRing: Bool = true) throws(SocketError) {
        var loops: [ReactorLoop] = []
        for _ in 0..<max(1, count) { loops.append(try ReactorLoop(usesRing: usesRing)) }
        self.loops = loops
    }

    /// The next loop in turn.
    public func nextLoop() -> ReactorLoop {
        let index = turn.wrappingAdd(1, ordering: .relaxed).oldValue
        return loops[Int(UInt(bitPattern: index) % UInt(loops.count))]
    }

    public func next() -> any EventLoop { nextLoop() }

    public func makeIterator() -> EventLoopIterator { EventLoopIterator(loops) }

    /// Closes all sockets and ends the threads. Tasks that were given before still run.
    public func shutdownGracefully(queue: DispatchQueue, _ callback: @escaping @Sendable ((any Error)?) -> Void) {
        let group = DispatchGroup()
        for loop in loops {
            group.enter()
            loop.whenEnded { group.leave() }
            loop.stop()
        }
        group.notify(queue: queue) { callback(nil) }
    }
}

extension ReactorLoop {
    /// Closes all sockets and ends the thread.
    public func shutdownGracefully(queue: DispatchQueue, _ callback: @escaping @Sendable ((any Error)?) -> Void) {
        whenEnded { queue.async { callback(nil) } }
        stop()
    }
}
