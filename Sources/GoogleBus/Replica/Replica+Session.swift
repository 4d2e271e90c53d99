import Logging
import MessageBus

// Reading the topic.
extension Replica {
    /// Has a subscription of its own and reads it, until the replica ends.
    func work() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.publishAll() }
            group.addTask { await self.readAll() }
            await group.waitForAll()
        }
    }

    private func readAll() async {
        var backoff = Backoff.toBus
        while !Task.isCancelled && !isOver {
            do throws(PubSubError) {
                try await subscribe()
                if isOver { return }
                backoff = Backoff.toBus
                try await follow()
            } catch {
                fail(error)
            }
            try? await ContinuousClock().sleep(for: backoff.next())
        }
    }

    /// Makes a subscription that has the topic's last ten minutes before it.
    ///
    /// One that is there already is replaced: it is a predecessor's, and stands where that one had read to. Where this boot had one before, it
    /// can only be a successor's.
    private func subscribe() async throws(PubSubError) {
        try await prepareTopic()
        if let known = try await service.subscription(name) {
            if hasBegun, known.boot != nil, known.boot != SubscriptionLabels.boot(of: vm) { return yield() }
            _ = try await service.deleteSubscription(name)
        }
        try await service.createSubscription(name, labels: SubscriptionLabels.labels(of: vm))
        hasBegun = true
        do {
            try await service.seek(name, to: clock.now().advanced(byMilliseconds: -timing.retention.milliseconds))
        } catch {
            // Google's emulator has no seek, and gives a new subscription all that the topic retains.
            if error.code != .unimplemented { throw error }
        }
        log.listenAnew()
        hasJoined = false
        lastStanding = nil
        subscriptionLoss = nil
        lastTick = .now
    }

    private func prepareTopic() async throws(PubSubError) {
        retains = true
        guard let topic = try await service.topic() else {
            return try await service.createTopic(retention: timing.retention)
        }
        if let retention = topic.messageRetention, retention >= timing.retention { return }
        do { try await service.setTopicRetention(timing.retention) } catch {
            retains = false
            logger.warning(
                "the topic retains nothing, so a VM that begins has nothing to resume readers from",
                metadata: ["error": "\(error)"])
        }
    }

    /// Reads the subscription until it is gone.
    private func follow() async throws(PubSubError) {
        let end = await withTaskGroup(of: PubSubError?.self) { group in
            group.addTask {
                do throws(PubSubError) { try await self.pullAll() } catch { return error }
                return nil
            }
            group.addTask {
                await self.join()
                return await self.keepTrying()
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
        if let end { throw end }
    }

    /// One long request after the other; what one brought is acknowledged while the next one waits, which gets nothing before that.
    private func pullAll() async throws(PubSubError) {
        var backoff = Backoff.toBus
        var acknowledging: Task<Void, Never>?
        var lastSuccess = ContinuousClock.now
        defer { acknowledging?.cancel() }
        while !Task.isCancelled && !isOver {
            let messages: [ReceivedMessage]
            do throws(PubSubError) {
                messages = try await service.pull(name, atMost: 1_000, within: timing.pull)
            } catch {
                if Task.isCancelled { return }
                // What was not read for so long is not retained any more.
                if error.code == .notFound || .now - lastSuccess > timing.retention - .seconds(60) { throw error }
                fail(error)
                try? await ContinuousClock().sleep(for: backoff.next())
                continue
            }
            lastSuccess = .now
            // A process that stood still may have a successor, which these would be for.
            await verifyAfterStandstill()
            if isOver { return }
            backoff = Backoff.toBus
            guard !messages.isEmpty else { continue }
            let isMine = take(messages)
            await acknowledging?.value
            let ids = messages.map(\.ackID)
            // They are the successor's, who gets them once their time to be acknowledged is over; given back, they would come out of order.
            guard isMine else { return yield() }
            acknowledging = Task { await self.acknowledge(ids) }
        }
    }

    /// What is not acknowledged is delivered again, which is found out.
    private func acknowledge(_ ids: [String]) async {
        for _ in 0..<3 where !Task.isCancelled {
            do throws(PubSubError) { return try await service.acknowledge(ids, on: name) } catch {
                logger.debug("not acknowledged", metadata: ["error": "\(error)"])
                guard error.isTransient else { return }
            }
        }
    }

    /// Reads what the topic retains, and learns where the log stands or lets it begin.
    private func join() async {
        var isAlone = false
        do throws(PubSubError) {
            let others = try await service.subscriptions().filter { $0 != name && SubscriptionLabels.isName($0) }
            isAlone = others.isEmpty
        } catch {
            logger.debug("the topic's subscriptions are not listed", metadata: ["error": "\(error)"])
        }
        // There may be much to read before it.
        var patience = timing.echo
        while !Task.isCancelled && !isOver {
            if await hear(.hello, within: patience) != nil { break }
            await verify()
            if subscriptionLoss != nil { return }
            patience = min(patience * 2, timing.pull)
        }
        if log.known == nil && !isAlone && lastStanding == nil {
            let deadline = ContinuousClock.now + timing.guidance * Double.random(in: 1...1.5)
            while lastStanding == nil && .now < deadline && !Task.isCancelled { await change(until: deadline) }
        }
        let deadline = ContinuousClock.now + timing.settling
        while log.missingSince != nil && .now < deadline && !Task.isCancelled { await change(until: deadline) }
        if log.missingSince != nil, retains, rereadings.take() { return readAgain() }
        log.finishJoining()
        while log.state == nil && subscriptionLoss == nil && !Task.isCancelled && !isOver {
            if isClaimed && !isAlone {
                await change(until: .now + timing.retrying * Double.random(in: 0.5...1))
                continue
            }
            logger.notice("nobody knows where the log stands: it begins anew")
            await takeOver(yielding: isAlone ? .zero : timing.ceding)
        }
        hasJoined = true
        becomeLive()
    }

    /// While this VM follows the topic: keeps the log going, and while the bus is away tries whether it carries a word.
    ///
    /// - Returns: why the subscription is of no use any more.
    private func keepTrying() async -> PubSubError? {
        while !Task.isCancelled && !isOver {
            if let subscriptionLoss { return subscriptionLoss }
            let pause = ContinuousClock.now + timing.retrying * Double.random(in: 0.5...1.5)
            // A leader that leaves is followed at once.
            let hadEnded = log.hasLeaderEnded
            while log.hasLeaderEnded == hadEnded && .now < pause && !Task.isCancelled { await change(until: pause) }
            await verifyAfterStandstill()
            lastTick = .now
            if case .away = condition {
                if await hear(.standing(log.known), within: timing.echo) == nil { await verify() }
            } else if isMissing(since: timing.missing), retains, rereadings.take() {
                readAgain()
            } else {
                await takeOverWhereNobodyLeads()
                if .now - lastSaid > timing.speaking { say(.standing(log.known)) }
            }
        }
        return nil
    }

    /// Whether something that others have heard has not come for as long as this.
    func isMissing(since bound: Duration) -> Bool {
        guard let since = log.missingSince else { return false }
        return since < pubSubTime.advanced(byMilliseconds: -bound.milliseconds)
    }

    /// Has another subscription made, which gets once more what the topic retains.
    ///
    /// Google's emulator does not give a subscription everything that is published while that is made.
    private func readAgain() {
        logger.warning("something that others heard did not come: the topic is read once more")
        subscriptionLoss = PubSubError(.unavailable, "something that others heard did not come")
    }

    /// Where the process stood still for a while: somebody may have its name now, and what comes is his.
    private func verifyAfterStandstill() async {
        if hasStoodStill { await verify() }
    }

    /// Finds out whether the subscription is still this boot's.
    func verify() async {
        do throws(PubSubError) {
            guard let known = try await service.subscription(name) else {
                subscriptionLoss = PubSubError(.notFound, "the subscription \(name) is gone")
                return
            }
            if let boot = known.boot, boot != SubscriptionLabels.boot(of: vm) { yield() }
        } catch {
            logger.debug("the subscription is not to be seen", metadata: ["error": "\(error)"])
        }
    }
}
