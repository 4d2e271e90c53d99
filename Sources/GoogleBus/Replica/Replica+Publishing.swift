import Logging
import MessageBus

// What this VM says.
extension Replica {
    /// Says a word, without waiting for anything.
    ///
    /// - Returns: its number.
    @discardableResult
    func say(_ saying: Word.Saying) -> UInt64 {
        let number = outbox.append(saying)
        lastSaid = .now
        outboxNews.resolve(())
        return number
    }

    /// Says a word and waits until it has come back.
    ///
    /// - Returns: `nil` where it did not in time, or Pub/Sub does not take it.
    func hear(_ saying: Word.Saying, within bound: Duration) async -> Echoes.Echo? {
        let number = say(saying)
        let echo = await echoes.expect(number).value(until: .now + bound)
        guard let echo else {
            giveUp(number...number)
            return nil
        }
        if case .refused(let error) = echo {
            fail(error)
            return nil
        }
        return echo
    }

    /// Puts alerts on the topic and waits until they have come back with their places.
    func append(_ alerts: [RaisedAlert]) async throws(BusError) -> [Receipt] {
        if isLeaving { throw Self.gone }
        try requireLive()
        guard outbox.hasRoom(for: alerts.count, bytes: alerts.reduce(0) { $0 + $1.body.count }) else {
            throw BusError(.queueFull, "Pub/Sub takes less than this VM has to publish", retryAfter: 1)
        }
        guard let first = alerts.first.map({ outbox.append(.alert($0)) }) else { return [] }
        var last = first
        for alert in alerts.dropFirst() { last = outbox.append(.alert(alert)) }
        outboxNews.resolve(())
        switch await echoes.expect(first...last).value(until: .now + timing.patience) {
        case .placed(let receipts)?: return receipts
        case .refused(let error)?: throw BusError(error)
        case .heard?, .joined?: throw BusError(.backend, "an alert came back as something else")
        case nil:
            giveUp(first...last)
            try requireLive()
            throw BusError(
                .unavailable, "Pub/Sub did not carry the alerts within \(timing.patience)", retryAfter: 1)
        }
    }

    /// Waits until what was published is placed.
    func finishPublishing() async {
        let deadline = ContinuousClock.now + timing.echo
        while echoes.awaitsAlerts && .now < deadline { await change(until: deadline) }
    }

    private func giveUp(_ numbers: ClosedRange<UInt64>) {
        outbox.giveUp(numbers)
        echoes.forget(numbers)
    }

    /// Publishes what is said, one request at a time, so that it stands on the topic in order; what is said meanwhile goes with the next one, so nothing
    /// waits for a batch to fill.
    func publishAll() async {
        var backoff = Backoff(first: 100, highest: 1_000)
        while !Task.isCancelled {
            guard let (messages, last) = outbox.batch else {
                if isOver { return }
                let news = Pending<Void>()
                outboxNews = news
                _ = await news.value(until: .now + .seconds(60))
                continue
            }
            do throws(PubSubError) {
                _ = try await service.publish(messages)
                outbox.remove(upTo: last)
                tell()
                backoff = Backoff(first: 100, highest: 1_000)
            } catch {
                if error.code == .notFound {
                    subscriptionLoss = error
                    fail(error)
                } else if !error.isTransient {
                    outbox.remove(upTo: last)
                    echoes.refuse(upTo: last, error)
                    // Places may have been among it, which nobody can hear then.
                    log.resign()
                }
                logger.debug("not published", metadata: ["error": "\(error)"])
                try? await ContinuousClock().sleep(for: backoff.next())
            }
        }
    }
}
