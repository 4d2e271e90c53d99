import Logging
import MessageBus

// What the topic says.
extension Replica {
    /// Takes what was delivered.
    ///
    /// - Returns: whether it was for this VM: `false` where a newer boot has begun to listen under its name.
    func take(_ messages: [ReceivedMessage]) -> Bool {
        let horizon = clock.now().advanced(byMilliseconds: -timing.retention.milliseconds)
        for message in messages {
            // Before the log is followed, what readers could not resume from any more need not be known.
            if !hasJoined && message.publishTime < horizon { continue }
            // What is delivered again does not turn the clock back.
            if message.publishTime >= lastHeard?.time ?? message.publishTime { lastHeard = (message.publishTime, .now) }
            guard let word = Word(message) else {
                logger.debug("not a word of this deployment", metadata: ["message": "\(message.messageID)"])
                continue
            }
            hear(Heard(time: message.publishTime, word: word))
        }
        sayPlaces()
        tell()
        return registry.boot(of: vm.subscription).map { $0 == vm.boot || !hasTakenName } ?? true
    }

    private func hear(_ heard: Heard) {
        let word = heard.word
        voices.heard(word.author, at: heard.time)
        for effect in log.take(heard) {
            switch effect {
            case .placed(let reference, let position): place(reference, Receipt(position: position, isDuplicate: false))
            case .repeated(let reference, let position):
                place(reference, Receipt(position: position, isDuplicate: true))
            case .began(let epoch):
                leaderless = nil
                logger.notice("an epoch has begun", metadata: ["epoch": "\(epoch)", "leader": "\(log.leader ?? "")"])
            case .claimed: lastClaim = heard.time
            case .ceded(let epoch): say(.cede(epoch))
            // Of what the topic retains the beginning is always missing.
            case .passedOver(let position) where hasJoined:
                logger.error("an alert did not come", metadata: ["position": "\(position)"])
            case .passedOver: break
            }
        }
        let echo = hearOfNames(heard)
        guard word.author == vm.boot else { return }
        lastEcho = .now
        echoes.heard(word.number, echo)
        becomeLive()
    }

    private func place(_ reference: Reference, _ receipt: Receipt) {
        if reference.author == vm.boot { echoes.placed(reference.number, receipt) }
    }

    /// What a word says besides alerts.
    private func hearOfNames(_ heard: Heard) -> Echoes.Echo {
        let word = heard.word
        switch word.saying {
        case .alert, .place, .claim, .cede, .epoch: return .heard
        case .standing(let standing):
            if standing != nil { lastStanding = .now }
            return .heard
        case .hello:
            if word.author != vm.boot { answer() }
            return .heard
        case .join, .lease, .leave: break
        }
        // Delivered again, an older word would take back what a newer one has said.
        guard registryWords.isNew(word.number, of: word.author, at: heard.time) else { return .heard }
        switch word.saying {
        case .join(let place):
            if place.vm == vm { hasTakenName = true }
            if let boot = registry.boot(of: place.vm.subscription), boot != place.vm.boot { voices.left(boot) }
            return .joined(previous: registry.join(place, at: heard.time))
        case .lease(let place, let standing):
            registry.renew(place, at: heard.time)
            if standing != nil { lastStanding = .now }
        case .leave(let vm):
            registry.leave(vm)
            voices.left(vm.boot)
        case .alert, .place, .claim, .cede, .epoch, .standing, .hello: break
        }
        return .heard
    }

    /// Tells one who begins where the log stands, unless somebody else does.
    private func answer() {
        guard case .live = condition else { return }
        let asked = ContinuousClock.now
        // Who leads knows best.
        let delay = log.leadership == nil ? timing.answer * Double.random(in: 0.5...1) : .zero
        Task {
            try? await ContinuousClock().sleep(for: delay)
            if let lastStanding, lastStanding > asked { return }
            guard !isOver else { return }
            say(.standing(log.known))
        }
    }
}
