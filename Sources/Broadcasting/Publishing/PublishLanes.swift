import NIOConcurrencyHelpers
public import NIOCore

/// The lanes of all event loops to one queue, each made when its loop asks first.
public final class PublishLanes: Sendable {
    private let queue: PublishQueue
    private let lanes = NIOLockedValueBox<[ObjectIdentifier: NIOLoopBound<PublishLane>]>([:])

    public init(queue: PublishQueue) { self.queue = queue }

    /// The lane of the event loop that the caller runs on.
    public func lane(on eventLoop: any EventLoop) -> PublishLane {
        lanes.withLockedValue { lanes in
            if let lane = lanes[ObjectIdentifier(eventLoop)] { return lane }
            let lane = NIOLoopBound(PublishLane(queue: queue, eventLoop: eventLoop), eventLoop: eventLoop)
            lanes[ObjectIdentifier(eventLoop)] = lane
            return lane
        }.value
    }
}
