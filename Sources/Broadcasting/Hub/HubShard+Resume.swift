import CoreMetrics
import DequeModule
public import MessageBus
import NIOCore
import Reactor
import WebSocketTransport

/// Where a reader's stream begins, found before anything of it is written.
public struct Opening: Sendable, Equatable {
    /// Everything after this follows.
    public let cursor: Position
    /// Set where that is less than the reader asked for.
    public let reset: Reset?

    public init(cursor: Position, reset: Reset? = nil) {
        self.cursor = cursor
        self.reset = reset
    }
}

extension HubShard {
    /// Bytes that are joined into one write while a reader is filled from the ring: with what waits already, far below what may wait for a reader.
    private var chunk: Int { min(64 * 1024, configuration.maximumPending / 4) }
    /// Entries looked at before the loop is let go.
    private static let scan = 4096
    /// A reader that is being filled gets no more while this many bytes wait for it.
    private var enough: Int { min(256 * 1024, configuration.maximumPending / 4) }

    /// Finds where a reader that wants `since` begins. Nothing changes yet.
    public func opening(for interest: Interest, since: Since) -> Opening {
        switch since {
        case .none: Opening(cursor: ring.head, reset: nil)
        case .all: Opening(cursor: ring.floor, reset: nil)
        case .latest(let count): Opening(cursor: cursorBeforeLatest(count, of: interest), reset: nil)
        case .time(let time): Opening(cursor: ring.cursor(before: time), reset: nil)
        case .after(let cursor): opening(after: cursor)
        }
    }

    private func opening(after cursor: Position) -> Opening {
        if ring.covers(cursor) || cursor > ring.head { return Opening(cursor: cursor, reset: nil) }
        let reason: Reset.Reason = cursor.epoch == ring.floor.epoch ? .retention : .epoch
        return Opening(
            cursor: ring.floor,
            reset: Reset(reason: reason, since: cursor, oldest: ring.oldest?.position, resumesAfter: ring.floor))
    }

    private func cursorBeforeLatest(_ count: Int, of interest: Interest) -> Position {
        let now = clock.now()
        let newest = ring.entries(after: ring.floor).lazy.reversed().filter { self.isDue($0, to: interest, now: now) }
        var oldest: EncodedAlert?
        for entry in newest.prefix(count) { oldest = entry }
        guard let oldest else { return ring.head }
        return Position(epoch: oldest.position.epoch, offset: oldest.position.offset - 1)
    }

    /// Makes a reader that follows nothing follow `interest` from an opening on.
    ///
    /// - Parameter isPolling: end the reader once it has what the ring holds.
    public func follow(_ reader: Reader, _ interest: Interest, from opening: Opening, isPolling: Bool = false) {
        bind(reader, to: interest)
        reader.cursor = opening.cursor
        reader.origin = opening.cursor
        reader.isPolling = isPolling
        if opening.cursor < ring.head || opening.reset != nil { metrics.resumes.increment() }
        if !isPolling { tellOfAbsence(reader) }
        if let reset = opening.reset {
            metrics.reset(reset.reason)
            write(StreamEvent.reset(reset, time: clock.now()), to: reader)
        }
        if opening.cursor > ring.head && !isPolling {
            reader.phase = .ahead(secondsLeft: configuration.patience)
            ahead.append(reader)
        } else {
            reader.phase = .catchingUp
            fill(reader)
        }
    }

    /// Changes what a live reader follows. Topics that are new to it are filled from `opening` on before the live feed goes on.
    ///
    /// - Parameter added: the new topics with the new filter; `nil` where there are none.
    public func refollow(_ reader: Reader, _ interest: Interest, adding added: Interest?, from opening: Opening) {
        settle(reader)
        bind(reader, to: interest)
        if let reset = opening.reset {
            metrics.reset(reset.reason)
            write(StreamEvent.reset(reset, time: clock.now()), to: reader)
        }
        if let added, opening.cursor < reader.cursor {
            metrics.resumes.increment()
            reader.backfill = Backfill(interest: added, cursor: opening.cursor, end: reader.cursor)
        }
        reader.phase = .catchingUp
        fill(reader)
    }

    /// Makes a live reader follow nothing.
    public func unfollow(_ reader: Reader) {
        settle(reader)
        unbind(reader)
    }

    /// Gives a live reader what is left of the batch in hand, so that its cursor stands at the ring's head.
    private func settle(_ reader: Reader) {
        guard let interest = reader.interest else { return }
        var cursor = settled(reader)
        while cursor < ring.head, !reader.isEnding {
            cursor = writeChunk(to: reader, of: interest, after: cursor, upTo: ring.head).cursor
        }
        reader.cursor = ring.head
    }

    /// Fills a reader from the ring as far as it reads, and makes it live once it has everything.
    func fill(_ reader: Reader) {
        var scanned = 0
        while !reader.isEnding, reader.phase == .catchingUp, let interest = reader.interest {
            let from = reader.backfill?.cursor ?? reader.cursor
            if reader.backfill == nil && from >= ring.head { return goLive(reader) }
            guard ring.covers(from) else { return end(reader, .slow) }
            // `drained` goes on from here.
            if reader.writer.pendingBytes >= enough { return }
            if scanned >= Self.scan { return fillSoon(reader) }
            if let backfill = reader.backfill {
                let step = writeChunk(to: reader, of: backfill.interest, after: from, upTo: backfill.end)
                backfill.cursor = step.cursor
                if step.cursor >= backfill.end { reader.backfill = nil }
                scanned += step.scanned
            } else {
                let step = writeChunk(to: reader, of: interest, after: from, upTo: ring.head)
                reader.cursor = step.cursor
                scanned += step.scanned
            }
        }
    }

    private func goLive(_ reader: Reader) {
        reader.phase = .live
        reader.audience?.join(reader, having: batchNumber)
        if reader.isPolling {
            end(reader, .caughtUp)
        } else {
            reader.transport.caughtUp()
        }
    }

    private func fillSoon(_ reader: Reader) {
        let bound = NIOLoopBound((shard: self, reader: reader), eventLoop: eventLoop)
        eventLoop.execute { bound.value.shard.fill(bound.value.reader) }
    }

    /// Everything that waited for a reader was taken by its socket.
    public func drained(_ reader: Reader) { fill(reader) }

    /// Joins and writes the next chunk of what interests a reader.
    ///
    /// - Returns: the position up to which the ring was looked through.
    private func writeChunk(
        to reader: Reader, of interest: Interest, after start: Position, upTo end: Position
    ) -> (cursor: Position, scanned: Int) {
        let now = clock.now()
        var buffer = ByteBuffer()
        var cursor = end
        var scanned = 0
        var count = 0
        for entry in ring.entries(after: start) {
            guard entry.position <= end else { break }
            scanned += 1
            if isDue(entry, to: interest, now: now) && !isRepeated(entry, for: reader) {
                reader.form.append(entry, to: &buffer)
                count += 1
            }
            if buffer.readableBytes >= chunk || scanned >= Self.scan {
                cursor = entry.position
                break
            }
        }
        if buffer.readableBytes > 0 {
            metrics.deliveries.increment(by: count)
            write(buffer, to: reader)
        }
        return (cursor, scanned)
    }

    private func isDue(_ entry: EncodedAlert, to interest: Interest, now: WallTime) -> Bool {
        let draft = entry.alert.draft
        guard interest.includes(draft) else { return false }
        guard let expires = draft.content.expires else { return true }
        return expires > now.seconds
    }

    /// Lets readers go on whose cursor the ring has reached.
    func releaseAhead() {
        guard !ahead.isEmpty else { return }
        let reached = ahead.filter { $0.cursor <= ring.head }
        ahead.removeAll { $0.cursor <= ring.head }
        for reader in reached {
            reader.phase = .catchingUp
            fill(reader)
        }
    }

    /// A second has passed for the readers whose cursor is ahead: the VM does not get there any more for those whose time is up. While the bus is away
    /// their time stands still.
    func tickAhead() {
        guard !isBusAway else { return }
        for reader in ahead {
            guard case .ahead(let secondsLeft) = reader.phase else { continue }
            if secondsLeft > 1 {
                reader.phase = .ahead(secondsLeft: secondsLeft - 1)
                continue
            }
            let reset = Reset(
                reason: .unknown, since: reader.cursor, oldest: ring.oldest?.position, resumesAfter: ring.head)
            metrics.reset(.unknown)
            reader.cursor = ring.head
            reader.origin = ring.head
            write(StreamEvent.reset(reset, time: clock.now()), to: reader)
        }
        releaseAhead()
    }
}
