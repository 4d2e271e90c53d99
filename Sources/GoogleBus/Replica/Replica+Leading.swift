import Logging
import MessageBus

// Who gives positions.
extension Replica {
    /// Says the places of what was raised, where this VM leads.
    func sayPlaces() {
        guard case .live = condition else { return }
        while let places = log.place() { say(places) }
    }

    /// Becomes the leader where there is none, each VM a while after the one before it.
    func takeOverWhereNobodyLeads() async {
        guard case .live = condition, !isLeaving, isLeaderGone else {
            leaderless = nil
            return
        }
        let since = leaderless ?? .now
        leaderless = since
        if isClaimed { return }
        let others = voices.heard(since: pubSubTime.advanced(byMilliseconds: -timing.silence.milliseconds))
            .filter { $0 != log.leader }
        var rank = others.firstIndex(of: vm.boot) ?? 0
        // Who has not heard all would place again what others have placed already.
        if isMissing(since: timing.ceding) { rank += others.count }
        guard .now - since >= timing.succession * rank else { return }
        logger.notice("taking the lead", metadata: ["before": "\(log.leader ?? "nobody")"])
        await takeOver(yielding: timing.ceding)
    }

    /// Whether somebody is about to lead: one who wants to as well waits, so that not each outbids the other before either has begun.
    var isClaimed: Bool {
        lastClaim.map { $0 > pubSubTime.advanced(byMilliseconds: -timing.succession.milliseconds) } ?? false
    }

    /// Claims an epoch and begins it, once everything that the leader before has placed is known.
    ///
    /// - Parameter patience: how long to wait for the last word of a leader that may still be there, and for others that want to lead.
    func takeOver(yielding patience: Duration) async {
        let epoch = log.unclaimedEpoch(at: clock.now())
        guard await hear(.claim(epoch), within: timing.echo) != nil else { return await verify() }
        let deadline = ContinuousClock.now + patience
        while !log.isComplete && .now < deadline && !isOver && !Task.isCancelled { await change(until: deadline) }
        guard !isOver, !isLeaving, let beginning = log.begin(epoch) else { return }
        if await hear(beginning, within: timing.echo) == nil { await verify() }
    }

    private var isLeaderGone: Bool {
        guard let leader = log.leader, !log.hasLeaderEnded else { return true }
        if leader == vm.boot { return log.leadership?.isFull ?? true }
        guard let last = voices.lastWord(of: leader) else { return true }
        let now = pubSubTime
        if last < now.advanced(byMilliseconds: -timing.silence.milliseconds) { return true }
        guard let oldest = log.raised.oldest(of: vm.boot) else { return false }
        let horizon = now.advanced(byMilliseconds: -timing.placing.milliseconds)
        return oldest < horizon && last < horizon
    }
}

extension Duration {
    /// Whole milliseconds.
    var milliseconds: Int64 { components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000 }
}
