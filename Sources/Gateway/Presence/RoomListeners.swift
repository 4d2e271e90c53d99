import NIOCore

/// Who is told of a room's people, by event loop.
///
/// A change makes one hop to each loop, which all changes until then share. Hops are so far apart that a room of many, where each change is told to
/// all, does not take the loops for itself: a tenth of a millisecond for each person listed.
struct RoomListeners {
    typealias Told = @Sendable ([Person]) -> Void

    /// A call to be made on an event loop.
    struct Hop {
        let eventLoop: any EventLoop
        let due: NIODeadline
    }

    private struct Listener {
        let told: Told
        /// The version of the list that it was told last.
        var version: UInt64 = 0
    }

    private struct Loop {
        let eventLoop: any EventLoop
        var listeners: [UInt64: Listener] = [:]
        var isHopUnderWay = false
        var next = NIODeadline.uptimeNanoseconds(0)

        mutating func hop() -> Hop? {
            guard !isHopUnderWay else { return nil }
            isHopUnderWay = true
            return Hop(eventLoop: eventLoop, due: next)
        }
    }

    private static let pause = TimeAmount.microseconds(100)

    private var loops: [ObjectIdentifier: Loop] = [:]
    private var people: [Person] = []
    private var version: UInt64 = 0
    private var isStale = true

    var isEmpty: Bool { loops.isEmpty }

    /// Takes one more in.
    ///
    /// - Returns: the hop in which it is told first; `nil` where one is under way.
    mutating func add(_ id: UInt64, on eventLoop: any EventLoop, told: @escaping Told) -> Hop? {
        var loop = loops.removeValue(forKey: ObjectIdentifier(eventLoop)) ?? Loop(eventLoop: eventLoop)
        loop.listeners[id] = Listener(told: told)
        defer { loops[ObjectIdentifier(eventLoop)] = loop }
        return loop.hop()
    }

    mutating func remove(_ id: UInt64, on eventLoop: any EventLoop) {
        loops[ObjectIdentifier(eventLoop)]?.listeners[id] = nil
        if loops[ObjectIdentifier(eventLoop)]?.listeners.isEmpty == true { loops[ObjectIdentifier(eventLoop)] = nil }
    }

    func has(_ id: UInt64, on eventLoop: any EventLoop) -> Bool {
        loops[ObjectIdentifier(eventLoop)]?.listeners[id] != nil
    }

    /// The room's people may have changed.
    ///
    /// - Returns: the hops that are to be made for it.
    mutating func change() -> [Hop] {
        isStale = true
        return loops.keys.compactMap { loops[$0]?.hop() }
    }

    /// A hop has come to its loop.
    ///
    /// - Parameter current: finds the room's people, in order; called where they may have changed.
    /// - Returns: the list, and who of the loop is to be told it: those who were not yet.
    mutating func arrive(
        on eventLoop: any EventLoop, now: NIODeadline, current: () -> [Person]
    ) -> (people: [Person], due: [(id: UInt64, told: Told)]) {
        update(current)
        guard var loop = loops.removeValue(forKey: ObjectIdentifier(eventLoop)) else { return (people, []) }
        var due: [(UInt64, Told)] = []
        for (id, listener) in loop.listeners where listener.version != version {
            loop.listeners[id]?.version = version
            due.append((id, listener.told))
        }
        loop.isHopUnderWay = false
        loop.next = now + Self.pause * people.count
        loops[ObjectIdentifier(eventLoop)] = loop
        return (people, due)
    }

    private mutating func update(_ current: () -> [Person]) {
        guard isStale else { return }
        isStale = false
        let new = current()
        guard version == 0 || new != people else { return }
        people = new
        version += 1
    }
}
