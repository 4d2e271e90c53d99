import Broadcasting
import MessageBus

/// Raises what was asked for: adds the server's own members, and publishes now or when it is due.
struct Publisher: Sendable {
    /// What became of a request.
    enum Outcome: Sendable {
        case raised(Alert, isDuplicate: Bool)
        case scheduled(Draft, due: WallTime, isDuplicate: Bool)
    }

    let queue: PublishQueue
    let lanes: PublishLanes
    let delayed: DelayedAlerts
    let region: String
    let clock: WallClock

    init(queue: PublishQueue, delayed: DelayedAlerts, region: String, clock: WallClock) {
        self.queue = queue
        self.lanes = PublishLanes(queue: queue)
        self.delayed = delayed
        self.region = region
        self.clock = clock
    }

    func publish(_ requests: [AlertRequest], sender: String) async throws(GatewayError) -> [Outcome] {
        var outcomes: [Outcome?] = []
        var drafts: [Draft] = []
        for request in requests {
            let draft = draft(request, sender: sender)
            if let due = request.due {
                outcomes.append(try schedule(draft, due: due))
            } else {
                outcomes.append(nil)
                drafts.append(draft)
            }
        }
        let receipts: [Receipt]
        do { receipts = try await queue.publish(drafts) } catch { throw GatewayError(error) }
        var raised = zip(drafts, receipts).makeIterator()
        return outcomes.compactMap { outcome in outcome ?? raised.next().map(Self.outcome) }
    }

    /// Publishes one from the lane's event loop.
    ///
    /// - Returns: what became of it where that is certain at once; `nil` where `receiver` will be told, with `ref` as its tag.
    func publish(
        _ request: AlertRequest, sender: String, ref: String?, on lane: PublishLane, for receiver: any PublishReceiver
    ) throws(GatewayError) -> Outcome? {
        let draft = draft(request, sender: sender)
        if let due = request.due { return try schedule(draft, due: due) }
        lane.publish(draft, tag: ref, for: receiver)
        return nil
    }

    /// What a receiver was told, as an answer.
    static func outcome(_ draft: Draft, _ outcome: PublishQueue.Outcome) -> Result<Outcome, GatewayError> {
        switch outcome {
        case .success(let receipt): .success(Self.outcome(draft, receipt))
        case .failure(let error): .failure(GatewayError(error))
        }
    }

    private static func outcome(_ draft: Draft, _ receipt: Receipt) -> Outcome {
        .raised(Alert(position: receipt.position, draft: draft), isDuplicate: receipt.isDuplicate)
    }

    private func schedule(_ draft: Draft, due: WallTime) throws(GatewayError) -> Outcome {
        switch delayed.schedule(draft, due: due) {
        case .scheduled(let due, let isDuplicate): return .scheduled(draft, due: due, isDuplicate: isDuplicate)
        case .full:
            throw GatewayError(.delayedFull, "as many alerts as may wait for their time do so already", retryAfter: 60)
        }
    }

    private func draft(_ request: AlertRequest, sender: String) -> Draft {
        Draft(
            topic: request.topic, content: request.content, time: clock.now(), sender: sender, region: region,
            key: request.key ?? (request.due == nil ? nil : Self.randomKey()))
    }

    /// A delayed alert that has no key gets one, so that raising it can be tried again.
    private static func randomKey() -> String {
        "delayed-" + String(UInt64.random(in: .min ... .max), radix: 36)
            + String(UInt64.random(in: .min ... .max), radix: 36)
    }
}
