import Logging
import MessageBus
import NIOConcurrencyHelpers
import NIOCore

/// Who is in which room, on all VMs.
///
/// Each VM keeps a record of its own people in the shared store, under a lease, and reads the others' while anyone here wants to know. What happens
/// here shows here at once; on other VMs as soon as they are told (`changed` there, `refresh` here), else with their next reading. People of a VM
/// that crashed are gone when its lease has ended and the others have read again. While the store is away the others' last word stands for as long
/// as a lease lasts, and after that only this VM's people are known.
///
/// A lock guards what is known; the longest steps under it put a room's list in order and compare two readings. All methods may be called from any
/// task or thread.
final class PresenceBook: Sendable {
    struct State {
        var picture: PresencePicture
        var listeners: [Room: RoomListeners] = [:]
        var nextListener: UInt64 = 0
        /// Rooms whose people here changed since the record was last taken to be written; bounded, see `insert(held:)`.
        var unwritten: Set<Room> = []
        /// Rooms whose changes are in the store, and which the other VMs are to be told of; bounded in the same way.
        var untold: Set<Room> = []
        /// When the reading began that `picture.elsewhere` comes from; `nil` where it comes from none.
        var readAt: WallTime?
        /// When someone last asked who is where.
        var askedAt: WallTime?
        /// What fails at present.
        var failing: Set<PresenceTask> = []
    }

    let vm: VMIdentity
    let store: any SharedStore
    let timing: PresenceTiming
    let names: PresenceNames
    let logger: Logger
    let changed: @Sendable (Room) async -> Void
    let state: NIOLockedValueBox<State>
    let unwritten = Doorbell()
    let untold = Doorbell()
    let wanted = Doorbell()
    private let clock: WallClock

    /// - Parameters:
    ///   - clock: what stays, and the age of what is known, are counted by. Leases are counted by the store's own, waits by the machine's.
    ///   - changed: tells the other VMs that who is in a room changed; called by `run`, once the store has the change, one room after the other.
    ///     Rooms that change meanwhile gather, each once.
    init(
        vm: VMIdentity, store: any SharedStore, clock: WallClock = .system, timing: PresenceTiming = PresenceTiming(),
        logger: Logger, changed: @escaping @Sendable (Room) async -> Void
    ) {
        self.vm = vm
        self.store = store
        self.clock = clock
        self.timing = timing
        self.names = PresenceNames(vm: vm)
        self.logger = logger
        self.changed = changed
        self.state = NIOLockedValueBox(State(picture: PresencePicture(vm: vm.id)))
    }

    /// Someone comes into a room.
    ///
    /// - Parameters:
    ///   - name: who; see `Person.held`.
    ///   - eventLoop: where `told` is called.
    ///   - told: called soon with the people who are there, never from within this method, and then whenever that changed, always with all of them
    ///     (`PresencePicture.listed`) in order; changes in quick succession come together. Never called on the loop after `leave` returned there.
    /// - Returns: what ends it.
    func enter(
        _ room: Room, as name: String, on eventLoop: any EventLoop, told: @escaping @Sendable ([Person]) -> Void
    ) -> Stay {
        let name = Person.held(name)
        let (id, time) = update { state, now in
            state.nextListener += 1
            let id = state.nextListener
            let hop = state.listeners[room, default: RoomListeners()].add(id, on: eventLoop, told: told)
            let isNew = state.picture.local.enter(room, as: name, at: now)
            if isNew { state.unwritten.insert(held: room) }
            let hops = hop.map { [(room, $0)] } ?? []
            return ((id, now), isNew ? [room] : [], hops)
        }
        askForReading()
        return Stay { self.leave(room, as: name, since: time, listener: id, on: eventLoop) }
    }

    /// The people in a room, in order; `PresencePicture.listed` at most.
    ///
    /// Where nobody wanted to know for a while, the other VMs' are read soon after this and only this VM's are given.
    func people(in room: Room) -> [Person] {
        defer { askForReading() }
        return update { state, now in
            state.askedAt = now
            return (state.picture.people(in: room), [], [])
        }
    }

    /// The rooms that someone is in, in the order of their names; see `people(in:)` for what is known.
    func counts() -> [RoomCount] {
        defer { askForReading() }
        return update { state, now in
            state.askedAt = now
            return (state.picture.counts(), [], [])
        }
    }

    /// Another VM says that something changed: its record is read soon, where anyone here wants to know. Many calls join into one reading.
    func refresh() { wanted.ring() }

    private func leave(
        _ room: Room, as name: String, since time: WallTime, listener id: UInt64, on eventLoop: any EventLoop
    ) {
        update { state, _ in
            state.listeners[room]?.remove(id, on: eventLoop)
            if state.listeners[room]?.isEmpty == true { state.listeners[room] = nil }
            let isGone = state.picture.local.leave(room, as: name, since: time)
            if isGone { state.unwritten.insert(held: room) }
            return ((), isGone ? [room] : [], [])
        }
    }

    /// Where what is known of the others is older than it would be if it were read all the time.
    private func askForReading() {
        let now = clock.now()
        let isOld = state.withLockedValue { $0.readAt.map { !timing.refresh.covers(now, since: $0) } ?? true }
        if isOld { wanted.ring() }
    }
}

// What changes, and who is told.
extension PresenceBook {
    typealias Hops = [(room: Room, hop: RoomListeners.Hop)]

    /// Changes what is known, after what is too old was let go, and sees to it that everyone is told.
    ///
    /// - Parameter body: gives its result, the rooms whose people it may have changed, and hops that are to be made besides theirs.
    @discardableResult
    func update<Result>(
        _ body: (inout State, WallTime) -> (Result, changed: Set<Room>, besides: Hops)
    ) -> Result {
        let now = clock.now()
        let (result, hops, isUnwritten) = state.withLockedValue { state -> (Result, Hops, Bool) in
            let forgotten = state.forgetOld(now: now, lease: timing.lease)
            let (result, changed, besides) = body(&state, now)
            var hops = besides
            for room in changed.union(forgotten) {
                hops += (state.listeners[room]?.change() ?? []).map { (room, $0) }
            }
            return (result, hops, !state.unwritten.isEmpty)
        }
        for (room, hop) in hops { schedule(hop, in: room) }
        if isUnwritten { unwritten.ring() }
        return result
    }

    /// Whether anyone here wants to know who is where.
    var isWanted: Bool {
        let now = clock.now()
        return state.withLockedValue { state in
            !state.picture.local.isEmpty || state.askedAt.map { timing.interest.covers(now, since: $0) } ?? false
        }
    }

    var now: WallTime { clock.now() }

    private func schedule(_ hop: RoomListeners.Hop, in room: Room) {
        let eventLoop = hop.eventLoop
        if hop.due <= eventLoop.now {
            eventLoop.execute { self.tell(room, on: eventLoop) }
        } else {
            eventLoop.scheduleTask(deadline: hop.due) { self.tell(room, on: eventLoop) }
        }
    }

    private func tell(_ room: Room, on eventLoop: any EventLoop) {
        let (people, due) = state.withLockedValue { state -> ([Person], [(id: UInt64, told: RoomListeners.Told)]) in
            let picture = state.picture
            return state.listeners[room]?.arrive(on: eventLoop, now: eventLoop.now) { picture.people(in: room) }
                ?? ([], [])
        }
        for (id, told) in due {
            // One who was told before may have let another leave.
            let isHere = state.withLockedValue { $0.listeners[room]?.has(id, on: eventLoop) == true }
            if isHere { told(people) }
        }
    }
}

extension PresenceBook.State {
    /// Lets go of what the other VMs told where it was not read again for as long as their leases last.
    ///
    /// - Returns: the rooms whose people that changed.
    fileprivate mutating func forgetOld(now: WallTime, lease: Duration) -> Set<Room> {
        guard let readAt, !lease.covers(now, since: readAt) else { return [] }
        self.readAt = nil
        return picture.replace(elsewhere: PresenceElsewhere())
    }
}

extension Duration {
    /// Whether less than this passed from one time to another. A clock that was put back says no.
    fileprivate func covers(_ now: WallTime, since time: WallTime) -> Bool {
        time <= now && now < time.advanced(byMilliseconds: StoreLimits.milliseconds(self))
    }
}

extension Set<Room> {
    /// Inserts a room where there are fewer than 10,000. Overflow policy: the other VMs are not told of those on top, and see what changed there with
    /// their next reading.
    mutating func insert(held room: Room) {
        if count < 10_000 { insert(room) }
    }
}
