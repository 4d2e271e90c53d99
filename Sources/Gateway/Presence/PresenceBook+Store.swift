import Logging
import MessageBus
import NIOConcurrencyHelpers

// The book's dealings with the store.
extension PresenceBook {
    private static var backoff: Backoff { Backoff(first: 500, highest: 2_000) }

    /// The most entries of all VMs that are read. Overflow policy: those whose names come after are not seen, which is logged.
    private static var maximumEntries: Int { 2_000 }
    /// How many are read at once: as many as fit a listing even where each is as large as a value may be.
    private static var page: Int { 200 }

    /// Keeps this VM's record in the store and reads the others', until the task is cancelled; then removes the record. To be called once.
    ///
    /// The removal may take `timing.farewell`, and after that as long as the store takes to answer what it was asked. A process that ends without it
    /// is forgotten with its lease.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.keepRecord() }
            group.addTask { await self.tellOthers() }
            group.addTask { await self.keepPicture() }
            group.addTask { await self.forgetOld() }
        }
    }

    private func keepRecord() async {
        var kept = KeptPresence(names, in: store, timing: timing)
        var backoff = Self.backoff
        while !Task.isCancelled {
            await unwritten.wait(atMost: kept.patience)
            if hasUnwritten { try? await ContinuousClock().sleep(for: timing.debounce) }
            if Task.isCancelled { break }
            let (rooms, record) = takeUnwritten()
            do throws(BusError) {
                try await kept.keep(record.parts())
                note(.write, nil)
                backoff = Self.backoff
                announce(rooms)
            } catch {
                note(.write, error)
                giveBack(rooms)
                try? await ContinuousClock().sleep(for: backoff.next())
            }
        }
        await kept.remove(within: timing.farewell)
    }

    private func tellOthers() async {
        while !Task.isCancelled {
            await untold.wait()
            let rooms = state.withLockedValue { state in
                defer { state.untold = [] }
                return state.untold
            }
            for room in rooms where !Task.isCancelled { await changed(room) }
        }
    }

    private func keepPicture() async {
        var readings = PresenceReadings()
        var backoff = Self.backoff
        var isCut = false
        while !Task.isCancelled {
            let began = ContinuousClock.now
            if isWanted {
                do throws(BusError) {
                    let time = now
                    let (entries, hasMore) = try await readOthers()
                    note(.read, nil)
                    backoff = Self.backoff
                    complain(ofMore: hasMore && !isCut)
                    isCut = hasMore
                    complain(of: readings.replace(with: entries))
                    take(readings.merged, readAt: time)
                } catch {
                    note(.read, error)
                    try? await ContinuousClock().sleep(for: backoff.next())
                    continue
                }
            }
            try? await ContinuousClock().sleep(until: began + timing.debounce)
            await wanted.wait(atMost: max(.zero, timing.refresh - (ContinuousClock.now - began)))
        }
    }

    private func forgetOld() async {
        while !Task.isCancelled {
            try? await ContinuousClock().sleep(for: timing.lease / 8)
            update { _, _ in ((), [], []) }
        }
    }
}

// The record.
extension PresenceBook {
    private var hasUnwritten: Bool { state.withLockedValue { !$0.unwritten.isEmpty } }

    /// The record as it is now, and the rooms that changed in it.
    private func takeUnwritten() -> (Set<Room>, PresenceRecord) {
        let (rooms, local) = state.withLockedValue { state in
            defer { state.unwritten = [] }
            return (state.unwritten, state.picture.local)
        }
        return (rooms, PresenceRecord(of: local, on: vm))
    }

    private func giveBack(_ rooms: Set<Room>) {
        guard !rooms.isEmpty else { return }
        state.withLockedValue { state in
            for room in rooms { state.unwritten.insert(held: room) }
        }
        unwritten.ring()
    }

    private func announce(_ rooms: Set<Room>) {
        guard !rooms.isEmpty else { return }
        state.withLockedValue { state in
            for room in rooms { state.untold.insert(held: room) }
        }
        untold.ring()
    }
}

// The picture.
extension PresenceBook {
    /// Reads all entries but this VM's own.
    private func readOthers() async throws(BusError) -> (entries: [StoreEntry], hasMore: Bool) {
        var entries: [StoreEntry] = []
        var last: StoreName?
        var count = 0
        while count < Self.maximumEntries {
            let page = try await store.entries(of: PresenceNames.collection, after: last, limit: Self.page)
            entries += page.filter { !names.isOwn($0.name) }
            count += page.count
            guard page.count == Self.page else { return (entries, false) }
            last = page.last?.name
        }
        return (entries, true)
    }

    private func take(_ elsewhere: PresenceElsewhere, readAt time: WallTime) {
        update { state, _ in
            state.readAt = time
            return ((), state.picture.replace(elsewhere: elsewhere), [])
        }
    }

    private func complain(of unreadable: [PresenceReadings.Unreadable]) {
        for entry in unreadable {
            logger.warning(
                "a presence record cannot be read, and is left out",
                metadata: ["name": "\(entry.name)", "error": "\(entry.error)"])
        }
    }

    private func complain(ofMore hasMore: Bool) {
        guard hasMore else { return }
        logger.warning("more presence entries than are read", metadata: ["read": "\(Self.maximumEntries)"])
    }

    /// Says once that the store fails, and once that it does no longer.
    private func note(_ task: PresenceTask, _ failure: BusError?) {
        let isNews = state.withLockedValue { state in
            failure == nil ? state.failing.remove(task) != nil : state.failing.insert(task).inserted
        }
        guard isNews else { return }
        if let failure {
            logger.warning("presence fails", metadata: ["task": "\(task.rawValue)", "error": "\(failure)"])
        } else {
            logger.info("presence works again", metadata: ["task": "\(task.rawValue)"])
        }
    }
}
