import NIOConcurrencyHelpers
import NIOCore

/// What a feed has heard on its channels, and who waits for it.
///
/// Messages come on event loops; reads and probes are in tasks. A lock guards the state, and nothing is called under it.
///
/// The lock is NIO's, here and wherever asynchronous functions reach one: optimised, Swift 6.3 on Linux inlines the standard library's `Mutex` into them
/// and may keep the thread's id across a suspension, so that the lock is found to be another thread's.
final class FeedHearing: Sendable {
    /// Probes that wait at once; more are refused.
    private static let maximumProbes = 16

    private struct Probe {
        /// Channels on which the word is still to be heard.
        var channels: Set<String>
        let heard: EventLoopPromise<Void>
    }

    private struct State {
        var isClosed = false
        var isSuperseded = false
        /// Whether this boot is known to have had the VM's name.
        var hasHeldName = false
        /// What a read waits on: a connection, or a promise.
        var reading: RedisConnection?
        var sleeper: EventLoopPromise<Void>?
        var isHinted = false
        var probes: [String: Probe] = [:]
    }

    private let boot: String
    private let namespace: String
    private let hint: String
    private let state = NIOLockedValueBox(State())

    /// - Parameter hint: the channel on which everything says that the log went on.
    init(boot: String, namespace: String, hint: String) {
        self.boot = boot
        self.namespace = namespace
        self.hint = hint
    }

    var isClosed: Bool { state.withLockedValue(\.isClosed) }
    var isSuperseded: Bool { state.withLockedValue(\.isSuperseded) }

    /// Takes what came on a channel.
    func hear(_ message: RedisMessage) {
        if message.channel == hint { wake() }
        switch VMWord(message.text, in: namespace) {
        case .taken(let boot): learn(holder: boot)
        case .probe(let nonce): hear(probe: nonce, on: message.channel)
        case nil: break
        }
    }

    /// Takes who has the VM's name. Another boot supersedes this one once this one has had the name: before, it may be the predecessor.
    func learn(holder: String) {
        let isSuperseded = state.withLockedValue { state in
            if holder == boot { state.hasHeldName = true }
            if holder != boot, state.hasHeldName { state.isSuperseded = true }
            return state.isSuperseded
        }
        if isSuperseded { interrupt() }
    }

    func close() {
        let probes = state.withLockedValue { state in
            state.isClosed = true
            defer { state.probes = [:] }
            return state.probes.values.map(\.heard)
        }
        for probe in probes { probe.fail(Self.closed) }
        interrupt()
    }

    /// Ends a read that waits: its connection goes, since Redis would answer it later.
    func interrupt() {
        let connection = state.withLockedValue { $0.reading }
        connection?.close()
        wake()
    }

    static var closed: RedisFailure { RedisFailure(.link, "the feed is closed") }
}

// Reading.
extension FeedHearing {
    /// A read goes on to wait on a connection.
    ///
    /// - Throws: where it is not to wait.
    func begin(on connection: RedisConnection) throws(RedisFailure) {
        let mayWait = state.withLockedValue { state in
            guard !state.isClosed, !state.isSuperseded else { return false }
            state.reading = connection
            state.isHinted = false
            return true
        }
        if !mayWait || Task.isCancelled { throw Self.closed }
    }

    func endReading() { state.withLockedValue { $0.reading = nil } }

    /// Waits for a hint since `begin`, an interruption or the time.
    func sleep(until deadline: NIODeadline, on eventLoop: any EventLoop) async {
        let sleeper = eventLoop.makePromise(of: Void.self)
        let timer = eventLoop.scheduleTask(deadline: deadline) { sleeper.succeed() }
        let isWoken = state.withLockedValue { state in
            state.sleeper = sleeper
            return state.isHinted || state.isClosed || state.isSuperseded || Task.isCancelled
        }
        if isWoken { sleeper.succeed() }
        try? await sleeper.futureResult.get()
        timer.cancel()
        state.withLockedValue { $0.sleeper = nil }
    }

    private func wake() {
        let sleeper = state.withLockedValue { state in
            state.isHinted = true
            return state.sleeper
        }
        sleeper?.succeed()
    }
}

// Probing.
extension FeedHearing {
    /// Somebody waits to hear a probe on all of the channels.
    ///
    /// - Returns: whether the probe was taken.
    func expect(_ nonce: String, on channels: Set<String>, heard: EventLoopPromise<Void>) -> Bool {
        state.withLockedValue { state in
            guard !state.isClosed, state.probes.count < Self.maximumProbes else { return false }
            state.probes[nonce] = Probe(channels: channels, heard: heard)
            return true
        }
    }

    func forget(_ nonce: String) { state.withLockedValue { $0.probes[nonce] = nil } }

    private func hear(probe nonce: String, on channel: String) {
        let heard = state.withLockedValue { state -> EventLoopPromise<Void>? in
            guard var probe = state.probes[nonce] else { return nil }
            probe.channels.remove(channel)
            state.probes[nonce] = probe
            return probe.channels.isEmpty ? probe.heard : nil
        }
        heard?.succeed()
    }
}
