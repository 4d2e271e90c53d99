import DequeModule
public import NIOCore
import Synchronization

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// One thread that waits with epoll(7) for its sockets, its timers and the tasks that others give it, and deals with them one after the other.
///
/// It is an event loop as NIO knows them, so what is bound to one (futures, `NIOLoopBound`, repeated tasks) works on it; channels are NIO's
/// loops' alone. What it has instead is ``StreamSocket``: a connection of a hundred bytes, written by one system call.
///
/// A turn: what epoll says, then the tasks, then the timers that are due, then the ends of the sockets that were closed. So nothing that a
/// handler or a task does to a socket calls another handler before it has returned.
public final class ReactorLoop: EventLoop {
    private let inbox = Inbox()
    private let thread = Atomic<UInt>(0)
    private let epoll: Epoll
    /// Touched by the loop's thread only, from the thread's start on.
    private nonisolated(unsafe) let core: LoopCore
    private let ended: EventLoopEnd

    /// Starts the thread.
    ///
    /// - Parameter usesRing: whether io_uring is tried for writing to many sockets.
    public init(usesRing: Bool = true) throws(SocketError) {
        core = LoopCore(usesRing: usesRing)
        epoll = try Epoll()
        ended = EventLoopEnd()
        let starting = Unmanaged.passRetained(self)
        var handle = pthread_t()
        let failure = pthread_create(&handle, nil, runLoop, starting.toOpaque())
        guard failure == 0 else {
            starting.release()
            throw SocketError(call: "pthread_create", code: failure)
        }
        pthread_detach(handle)
    }

    public var inEventLoop: Bool { thread.load(ordering: .relaxed) == Self.currentThread }

    private static var currentThread: UInt {
        #if canImport(Musl)
            UInt(bitPattern: pthread_self())
        #else
            UInt(pthread_self())
        #endif
    }

    /// Which of the loop's sockets may be written by their numbers alone. On the loop.
    public var directSends: DirectSends { core.directSends }

    // MARK: The thread

    fileprivate func run() {
        thread.store(Self.currentThread, ordering: .relaxed)
        core.directSends.prepare()
        var tasks: [Inbox.Task] = []
        while !core.isStopping {
            epoll.wait(patience(), events: &core.events) { token, readiness in
                core.descriptor(of: token)?.ready(readiness)
            }
            runTasks(&tasks)
            runTimers()
            core.bury()
        }
        end(&tasks)
    }

    private func runTasks(_ tasks: inout [Inbox.Task]) {
        inbox.takeAll(into: &tasks)
        for task in tasks { task() }
        tasks.removeAll(keepingCapacity: true)
        // Those that these leave are for the next turn, so that sockets have theirs.
        for _ in 0..<core.tasks.count {
            guard let task = core.tasks.popFirst() else { break }
            task()
        }
    }

    private func runTimers() {
        guard core.timers.next != nil else { return }
        let now = NIODeadline.now()
        while let task = core.timers.takeDue(at: now) { task() }
    }

    /// How long the loop may wait; `nil` for ever.
    private func patience() -> TimeAmount? {
        guard core.tasks.isEmpty, inbox.fallAsleep() else { return .zero }
        return core.timers.next.map { max(.zero, $0 - .now()) }
    }

    /// Closes what is open, runs what was left, and lets those know who wait for the end.
    private func end(_ tasks: inout [Inbox.Task]) {
        core.closeAll()
        inbox.close()
        repeat {
            runTasks(&tasks)
            core.bury()
        } while !core.tasks.isEmpty
        ended.reach()
        thread.store(0, ordering: .relaxed)
    }

    func stop() {
        execute { self.core.isStopping = true }
    }

    func whenEnded(_ body: @escaping @Sendable () -> Void) { ended.whenReached(body) }

    // MARK: Descriptors. On the loop.

    func register(_ descriptor: PolledDescriptor, for interest: Readiness) throws(SocketError) {
        preconditionInEventLoop()
        let token = core.add(descriptor)
        do {
            try epoll.add(descriptor.number, for: interest, token: token)
        } catch {
            core.forget(descriptor)
            throw error
        }
    }

    func change(_ descriptor: PolledDescriptor, for interest: Readiness) {
        // The only errors are a descriptor that is not there, which cannot be, and no memory, where the socket stalls until its peer or TCP's time-out ends it.
        try? epoll.change(descriptor.number, for: interest, token: core.token(of: descriptor))
    }

    /// Takes a descriptor out without closing it.
    func deregister(_ descriptor: PolledDescriptor) {
        epoll.remove(descriptor.number)
        core.forget(descriptor)
    }

    /// Has a descriptor closed and its handler told at the end of the turn.
    func closeSoon(_ descriptor: PolledDescriptor) {
        core.ending.append(descriptor)
    }

    /// What sockets read into, one after the other.
    func withScratch<Result>(_ body: (inout ByteBuffer) -> Result) -> Result { body(&core.scratch) }

    // MARK: Tasks

    @preconcurrency
    public func execute(_ task: @escaping @Sendable () -> Void) { _ = leave(task) }

    /// Leaves a task for the loop.
    ///
    /// - Returns: `false` where the loop has ended and drops it.
    func leave(_ task: @escaping @Sendable () -> Void) -> Bool {
        if inEventLoop {
            core.tasks.append(task)
            return true
        }
        switch inbox.put(task) {
        case .none: return true
        case .wake:
            epoll.wake()
            return true
        case .refused: return false
        }
    }

    public func _executeIsolatedUnsafeUnchecked(_ task: @escaping () -> Void) {
        core.tasks.append(task)
    }

    @preconcurrency
    @discardableResult
    public func scheduleTask<Value>(
        deadline: NIODeadline, _ task: @escaping @Sendable () throws -> Value
    ) -> Scheduled<Value> {
        let promise = makePromise(of: Value.self)
        let slot = TimerSlot()
        let start = { @Sendable in
            // Cancelled before it was here.
            if slot.isCancelled { return }
            slot.entry = self.core.timers.add(at: deadline) {
                do {
                    promise.assumeIsolatedUnsafeUnchecked().succeed(try task())
                } catch {
                    promise.fail(error)
                }
            }
        }
        if inEventLoop { start() } else { execute(start) }
        return Scheduled(promise: promise) {
            let cancel = { @Sendable in
                slot.isCancelled = true
                if let entry = slot.entry { self.core.timers.cancel(entry) }
                slot.entry = nil
            }
            if self.inEventLoop { cancel() } else { self.execute(cancel) }
        }
    }

    @preconcurrency
    @discardableResult
    public func scheduleTask<Value>(
        in amount: TimeAmount, _ task: @escaping @Sendable () throws -> Value
    ) -> Scheduled<Value> {
        scheduleTask(deadline: .now() + amount, task)
    }
}

/// Where a scheduled task stands in the loop's timers. Touched on the loop only, by the closures that ``ReactorLoop/scheduleTask(deadline:_:)`` makes.
private final class TimerSlot: Sendable {
    nonisolated(unsafe) var entry: Timers.Entry?
    nonisolated(unsafe) var isCancelled = false
}

private func runLoop(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    Unmanaged<ReactorLoop>.fromOpaque(argument).takeRetainedValue().run()
    return nil
}
