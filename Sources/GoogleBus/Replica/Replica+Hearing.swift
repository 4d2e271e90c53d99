import Logging
import MessageBus

// What the topic says.
extension Replica {
    /// Takes what was delivered.
    ///
    /// - Returns: whether it was for this VM: `false` where a newer boot has begun to listen under its name.
    func take(_ messages: [ReceivedMessage]) -> Bool {
        let (seconds, _) = timing.retention.components
        let horizon = clock.now().advanced(byMilliseconds: -seconds * 1_000)
        for message in messages {
            // Where counting has begun everything counts; before that, what readers could not resume from any more need not be known.
            if sequence.state == nil && message.publishTime < horizon { continue }
            lastHeard = (message.publishTime, .now)
            guard let word = Word(message) else {
                logger.debug("not a word of this deployment", metadata: ["message": "\(message.messageID)"])
                continue
            }
            let heard = Heard(message: message.messageID, time: message.publishTime, word: word)
            for step in sequence.take(heard) { carryOut(step) }
        }
        tell()
        return registry.boot(of: vm.subscription).map { $0 == vm.boot || !hasTakenName } ?? true
    }

    private func carryOut(_ step: Step) {
        let word = step.heard.word
        let isOwn = word.author == vm.boot
        switch step.effect {
        case .none: break
        case .appended(let stored):
            append(SequencedAlert(stored: stored, time: step.heard.time))
            if isOwn { echoes.placed(word.number, Receipt(position: stored.position, isDuplicate: false)) }
        case .repeated(let position):
            if isOwn { echoes.placed(word.number, Receipt(position: position, isDuplicate: true)) }
        case .began: logger.notice("an epoch has begun", metadata: ["state": "\(String(describing: sequence.state))"])
        case .disagreement: settleDisagreement(with: word.author)
        }
        let echo = hear(step.heard)
        if isOwn {
            echoes.heard(word.number, echo)
            becomeLive()
        }
    }

    private func append(_ alert: SequencedAlert) {
        let follows =
            log.head.isFollowed(by: alert.position)
            || (alert.position.offset == 1 && alert.stored.predecessor == log.head)
        if !follows && alert.position > log.head {
            log.restart(after: Position(epoch: alert.position.epoch, offset: alert.position.offset - 1))
        }
        log.append(alert, now: alert.time)
    }

    /// What a word says besides alerts.
    private func hear(_ heard: Heard) -> Echoes.Echo {
        switch heard.word.saying {
        case .join(let place):
            if place.vm == vm { hasTakenName = true }
            return .joined(previous: registry.join(place, at: heard.time))
        case .lease(let place, let anchor):
            registry.renew(place, at: heard.time)
            if anchor != nil { lastAnchor = .now }
        case .leave(let vm): registry.leave(vm)
        case .hello: if heard.word.author != vm.boot { answer() }
        case .alert, .probe, .epoch: break
        }
        return .heard
    }

    /// Tells one who begins where the log stands, unless somebody else does.
    private func answer() {
        guard case .live = condition else { return }
        let asked = ContinuousClock.now
        let delay = timing.answer * Double.random(in: 0...1)
        Task {
            try? await ContinuousClock().sleep(for: delay)
            if let lastAnchor, lastAnchor > asked { return }
            sayWhereTheLogStands()
        }
    }

    private func sayWhereTheLogStands() {
        guard !isOver else { return }
        let load = registry.load(of: vm) ?? VMLoad(sockets: 0, position: log.head)
        _ = say(.lease(Place(vm: vm, load: load), sequence.anchor))
    }

    /// VMs that count differently begin an epoch, in which they count the same; this one, which knows less, says that it lost something.
    private func settleDisagreement(with author: String) {
        if let last = lastDisagreement, .now - last < timing.echo { return }
        lastDisagreement = .now
        logger.error(
            """
            this VM's count of the log differs from another's, as when VMs publish through endpoints of different \
            regions: set PUBSUB_REGION to one region for all
            """, metadata: ["other": "\(author)", "position": "\(sequence.state?.head ?? .origin)"])
        _ = say(nextEpoch)
    }
}
