import MessageBus

extension BusError {
    /// What a failure means for whoever uses the bus.
    init(_ error: PubSubError) {
        if error.code == .closed {
            self.init(.closed, error.explanation)
        } else if error.isTransient || [.notFound, .cancelled].contains(error.code) {
            // A topic or a subscription that someone removed is made anew.
            let wait = error.code == .resourceExhausted ? 5 : 1
            self.init(.unavailable, "Pub/Sub: \(error.explanation)", retryAfter: max(error.retryAfter ?? wait, 1))
        } else {
            self.init(.backend, "Pub/Sub: \(error.explanation)")
        }
    }
}
