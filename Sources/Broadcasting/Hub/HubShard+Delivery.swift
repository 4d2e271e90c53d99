import CoreMetrics
import DequeModule
import MessageBus
import NIOCore

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
        /// The batch itself where some of it is healed, so that readers of the same audience may get different parts of it.
        let healing: [EncodedAlert]?
        /// The position before the batch.
        let start: Position
        let end: Position
        let began: NIODeadline
        let completion: @Sendable () -> Void
    }

    /// How many readers are written to before the loop is let go, so that a large fan-out starves neither accepts nor reads.
    private static let slice = 512

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
        let now = clock.now()
        var parts: [Audience] = []
        for alert in alerts {
            ring.append(alert, now: now)
            for audience in audiencesOfAll { add(alert, to: audience, &parts) }
            for audience in audiencesByTopic[alert.alert.draft.topic] ?? [] { add(alert, to: audience, &parts) }
        }
        fanOut = FanOut(
            parts: parts.map { audience in
                let joined = audience.takeJoined()
                return FanOut.Part(
                    audience: audience, bytes: joined.bytes, alerts: joined.alerts, remaining: audience.members.count)
            },
            healing: alerts.contains { $0.alert.healedFrom != nil } ? alerts : nil,
            start: start, end: ring.head, began: eventLoop.now, completion: completion)
        releaseAhead()
    }

    private func add(_ alert: EncodedAlert, to audience: Audience, _ parts: inout [Audience]) {
        guard !audience.members.isEmpty, audience.interest.filter.matches(alert.alert.draft.content) else { return }
        if audience.add(alert, allocator: allocator) { parts.append(audience) }
    }

    /// Writes to the next slice of readers, then lets the loop go on with other things or finishes the batch.
    ///
    /// Members are visited from the end. One that leaves is replaced by the last, which was visited already and is told apart by its cursor; one that
    /// joins got the batch from the ring and stands behind the visited end.
    private func continueFanOut() {
        guard var batch = fanOut else { return }
        fanOut?.parts = []
        var budget = Self.slice
        var delivered = 0
        while var part = batch.parts.popLast() {
            while part.remaining > 0 && budget > 0 {
                part.remaining = min(part.remaining, part.audience.members.count) - 1
                guard part.remaining >= 0 else { break }
                let reader = part.audience.members[part.remaining]
                guard reader.cursor < batch.end else { continue }
                reader.cursor = batch.end
                if let alerts = batch.healing {
                    delivered += write(alerts, to: reader, of: part.audience.interest)
                } else {
                    write(part.bytes, to: reader)
                    delivered += part.alerts
                }
                budget -= 1
            }
            if part.remaining > 0 {
                batch.parts.append(part)
                break
            }
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

    /// Up to where a live reader surely has everything that interests it.
    func settled(_ reader: Reader) -> Position {
        max(reader.cursor, fanOut?.start ?? ring.head)
    }

    /// The ring begins anew after a loss, and everyone who followed something is told.
    private func announce(_ loss: Loss) {
        ring.restart(after: loss.resumesAfter)
        let reset = Reset(
            reason: Reset.Reason(loss.cause), since: nil, oldest: nil, resumesAfter: loss.resumesAfter)
        let event = StreamEvent.reset(reset, time: clock.now())
        forEachReader { reader in
            switch reader.phase {
            case .idle: break
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
