import CoreMetrics
import DequeModule
import MessageBus
import NIOCore
import Reactor

extension HubShard {
    /// What comes from the hub, done one after the other.
    enum Work {
        case batch([EncodedAlert], completion: @Sendable () -> Void)
        case loss(Loss)
        case busState(isAway: Bool)
    }

    /// A batch on its way to the shard's readers.
    struct FanOut {
        struct Part {
            let audience: Audience
            let bytes: ByteBuffer
            let alerts: Int
            /// The members before this index have not got it yet.
            var remaining: Int
        }

        var parts: [Part]
        let number: UInt64
        /// The batch itself where some of it is healed, so that readers of the same audience may get different parts of it.
        let healing: [EncodedAlert]?
        /// The position before the batch.
        let start: Position
        let end: Position
        let began: NIODeadline
        let completion: @Sendable () -> Void
    }

    /// How many readers are written to before the loop is let go, so that a large fan-out starves neither accepts nor reads.
    static let slice = 512

    func submit(_ item: Work) {
        work.append(item)
        if fanOut == nil { proceed() }
    }

    private func proceed() {
        while fanOut == nil {
            if isHeartbeatDue { sendHeartbeat() }
            guard let item = work.popFirst() else { return }
            switch item {
            case .batch(let alerts, let completion):
                begin(alerts, completion)
                continueFanOut()
            case .loss(let loss): announce(loss)
            case .busState(let isAway): announceBus(isAway: isAway)
            }
        }
    }

    private func begin(_ alerts: [EncodedAlert], _ completion: @escaping @Sendable () -> Void) {
        let start = ring.head
        batchNumber += 1
        let now = clock.now()
        var parts: [Audience] = []
        var joined = JoinedBatch(alerts, allocator: allocator)
        for (index, alert) in alerts.enumerated() {
            ring.append(alert, now: now)
            for audience in audiencesOfAll { select(index, alert, for: audience, &joined, &parts) }
            for audience in audiencesByTopic[alert.alert.draft.topic] ?? [] {
                select(index, alert, for: audience, &joined, &parts)
            }
        }
        fanOut = FanOut(
            parts: parts.map { audience in
                defer { audience.selection = JoinedBatch.nothing }
                return FanOut.Part(
                    audience: audience, bytes: joined.bytes(of: audience.selection, in: audience.key.form),
                    alerts: joined.count(of: audience.selection), remaining: audience.members.count)
            },
            number: batchNumber, healing: alerts.contains { $0.alert.healedFrom != nil } ? alerts : nil,
            start: start, end: ring.head, began: eventLoop.now, completion: completion)
        releaseAhead()
    }

    private func select(
        _ index: Int, _ alert: EncodedAlert, for audience: Audience, _ joined: inout JoinedBatch,
        _ parts: inout [Audience]
    ) {
        guard !audience.members.isEmpty,
            audience.isUnfiltered || audience.interest.includes(alert.alert.draft)
        else { return }
        if audience.selection == JoinedBatch.nothing { parts.append(audience) }
        audience.selection = joined.adding(index, to: audience.selection)
    }

    /// Writes to the next slice of readers, then lets the loop go on with other things or finishes the batch.
    ///
    /// Members are visited from the end. One that leaves is replaced by the last, which was visited already and is told apart by the batch's
    /// number; one that joins got the batch from the ring and stands behind the visited end.
    private func continueFanOut() {
        guard var batch = fanOut else { return }
        fanOut?.parts = []
        var budget = Self.slice
        var delivered = 0
        while budget > 0, var part = batch.parts.popLast() {
            part.remaining = min(part.remaining, part.audience.members.count)
            if let alerts = batch.healing {
                delivered += heal(&part, alerts, batch.number, &budget)
            } else {
                delivered += part.alerts * write(&part, batch.number, &budget)
            }
            if part.remaining > 0 { batch.parts.append(part) }
        }
        metrics.deliveries.increment(by: delivered)
        if batch.parts.isEmpty {
            fanOut = nil
            metrics.fanOut.recordNanoseconds((eventLoop.now - batch.began).nanoseconds)
            batch.completion()
        } else {
            fanOut = batch
            let shard = NIOLoopBound(self, eventLoop: eventLoop)
            eventLoop.execute {
                shard.value.continueFanOut()
                if shard.value.fanOut == nil { shard.value.proceed() }
            }
        }
    }

    /// Writes a part's bytes to its next members, as many as the budget allows.
    ///
    /// - Returns: to how many.
    private func write(_ part: inout FanOut.Part, _ number: UInt64, _ budget: inout Int) -> Int {
        let before = budget
        while part.remaining > 0 && budget > 0 {
            if let directSends {
                let sending = part.bytes.withUnsafeReadableBytes {
                    part.audience.send($0, number, below: part.remaining, budget: budget, by: directSends)
                }
                part.remaining = sending.index
                budget -= sending.given
                for (reader, written) in sending.unfinished { writeRest(of: part.bytes, after: written, to: reader) }
            } else {
                part.remaining -= 1
                guard part.audience.mark(part.remaining, number) else { continue }
                write(part.bytes, to: part.audience.members[part.remaining])
                budget -= 1
            }
        }
        return before - budget
    }

    /// Goes on with a member that did not take a batch's bytes whole.
    private func writeRest(of bytes: ByteBuffer, after written: Int, to reader: Reader) {
        if written == 0 { return write(bytes, to: reader) }
        if !reader.isEnding { reader.writer.write(bytes, after: written) }
    }

    /// Writes what is new of a batch that is healed in part to a part's next members.
    ///
    /// - Returns: how many alerts that is.
    private func heal(
        _ part: inout FanOut.Part, _ alerts: [EncodedAlert], _ number: UInt64, _ budget: inout Int
    ) -> Int {
        var delivered = 0
        while part.remaining > 0 && budget > 0 {
            part.remaining -= 1
            guard part.audience.mark(part.remaining, number) else { continue }
            let reader = part.audience.members[part.remaining]
            delivered += write(alerts, to: reader, of: part.audience.interest)
            budget -= 1
        }
        return delivered
    }

    /// Up to where a live reader surely has everything that interests it.
    func settled(_ reader: Reader) -> Position {
        guard let fanOut else { return ring.head }
        let has = reader.audience?.hasBatch(fanOut.number, reader) == true
        return has ? fanOut.end : max(reader.cursor, fanOut.start)
    }

    /// The ring begins anew after a loss, and everyone who followed something is told.
    private func announce(_ loss: Loss) {
        ring.restart(after: loss.resumesAfter)
        let reset = Reset(
            reason: Reset.Reason(loss.cause), since: nil, oldest: nil, resumesAfter: loss.resumesAfter)
        let event = StreamEvent.reset(reset, time: clock.now())
        forEachReader { reader in
            switch reader.phase {
            case .waiting, .idle: break
            case .ahead where reader.cursor >= loss.resumesAfter: break
            case .live, .catchingUp, .ahead:
                reader.backfill = nil
                reader.cursor = loss.resumesAfter
                reader.origin = loss.resumesAfter
                metrics.reset(reset.reason)
                write(event, to: reader)
            }
        }
        releaseAhead()
    }

    private func announceBus(isAway: Bool) {
        guard isAway != isBusAway else { return }
        isBusAway = isAway
        // The VM has something to catch up with.
        for reader in ahead where !isAway { reader.phase = .ahead(secondsLeft: configuration.patience) }
        let event = StreamEvent.busState(isAway: isAway, time: clock.now())
        forEachReader { write(event, to: $0) }
    }
}

// Alerts that the bus lost and got back.
extension HubShard {
    /// Whether a healed alert reached the reader under the position that it had before: on this VM, or on the one that the reader came from.
    func isRepeated(_ alert: EncodedAlert, for reader: Reader) -> Bool {
        guard let before = alert.alert.healedFrom else { return false }
        if reader.origin.epoch == before.epoch && reader.origin >= before { return true }
        return reader.origin.epoch <= before.epoch && ring.holds(before)
    }

    /// Writes what of a batch is new to a reader.
    ///
    /// - Returns: how many alerts that is.
    private func write(_ alerts: [EncodedAlert], to reader: Reader, of interest: Interest) -> Int {
        var buffer = allocator.buffer(capacity: 1024)
        var count = 0
        for alert in alerts where interest.includes(alert.alert.draft) && !isRepeated(alert, for: reader) {
            reader.form.append(alert, to: &buffer)
            count += 1
        }
        if count > 0 { write(buffer, to: reader) }
        return count
    }
}

extension Reset.Reason {
    init(_ cause: Loss.Cause) {
        switch cause {
        case .retention: self = .retention
        case .epoch: self = .epoch
        case .lost: self = .lost
        }
    }
}
