import CoreMetrics
import DequeModule
public import MessageBus
public import NIOCore
public import Reactor

/// The VM's copy of the log's tail on one event loop, encoded once, from which readers resume.
typealias Ring = LogTail<EncodedAlert>

/// One event loop's readers, their audiences and the loop's ring.
///
/// Everything here runs on the shard's event loop. Since the ring and the readers share it, a reader moves from the ring to the live feed in one
/// step that nothing can come between: no alert is lost, doubled or reordered on the way.
public final class HubShard {
    public let eventLoop: any EventLoop
    let vm: VMIdentity
    let configuration: HubConfiguration
    let clock: WallClock
    let metrics: HubMetrics
    let allocator = ByteBufferAllocator()
    var ring: Ring
    /// What waits for the batch in hand to be written, in order. Bounded by the hub, which has one batch under way at a time.
    var work: Deque<Work> = []
    var fanOut: FanOut?
    /// Counts batches, so that a reader's newest can be told from others.
    var batchNumber: UInt64 = 0
    /// How the loop writes the same to many; `nil` on a loop without sockets of its own.
    let directSends: DirectSends?
    /// Readers whose cursor is ahead of the ring.
    var ahead: [Reader] = []
    var isBusAway = false
    /// Whether the ring holds what the log held when this VM got its place on the bus, so that it is known where a reader begins.
    private(set) var isWarm = false
    var drain: DrainPlan?
    var ticks = 0
    /// Set while a heartbeat waits for the batch in hand.
    var isHeartbeatDue = false
    /// All readers, by the second of the heartbeat interval in which each is heard and pinged.
    var buckets: [ContiguousArray<Reader>]
    private var nextBucket = 0
    private var audiences: [Audience.Key: Audience] = [:]
    private(set) var audiencesByTopic: [Topic: [Audience]] = [:]
    private(set) var audiencesOfAll: [Audience] = []
    private(set) var readerCount = 0
    private let countChanged: @Sendable (Int) -> Void

    /// - Parameter countChanged: told by how many the number of readers changed; called on the event loop.
    init(
        eventLoop: any EventLoop, vm: VMIdentity, configuration: HubConfiguration, clock: WallClock,
        metrics: HubMetrics,
        countChanged: @escaping @Sendable (Int) -> Void
    ) {
        self.eventLoop = eventLoop
        self.directSends = (eventLoop as? ReactorLoop)?.directSends
        self.vm = vm
        self.configuration = configuration
        self.clock = clock
        self.metrics = metrics
        self.ring = Ring(after: .origin, retention: configuration.retention)
        self.buckets = Array(repeating: [], count: configuration.heartbeat)
        self.countChanged = countChanged
    }

    /// The newest position of the shard's ring.
    public var head: Position { ring.head }

    /// Takes a new connection in. It follows nothing yet.
    ///
    /// - Parameters:
    ///   - transport: kept alive by its connection until `leave`.
    ///   - writer: the connection's writing side; `drained` is to be called when it has nothing pending any more.
    public func attach(_ transport: any ReaderTransport, writer: any SocketWriter, form: WireForm) -> Reader {
        let reader = Reader(
            transport: transport, writer: writer, form: form, cursor: ring.head, phase: isWarm ? .idle : .waiting)
        reader.bucket = Int16(nextBucket)
        reader.bucketIndex = Int32(buckets[nextBucket].count)
        buckets[nextBucket].append(reader)
        nextBucket = (nextBucket + 1) % buckets.count
        readerCount += 1
        countChanged(1)
        metrics.socketOpened(form)
        return reader
    }

    /// The ring holds what the log held when this VM got its place on the bus: readers that wait can begin. Repeating it has no effect.
    func becomeWarm() {
        guard !isWarm else { return }
        isWarm = true
        var waiting: [Reader] = []
        forEachReader { if $0.phase == .waiting { waiting.append($0) } }
        begin(waiting[...])
    }

    /// Lets the next of those that waited begin, then lets the loop go on with other things.
    private func begin(_ waiting: ArraySlice<Reader>) {
        for reader in waiting.prefix(Self.slice) where reader.phase == .waiting {
            reader.phase = .idle
            if !reader.isEnding { reader.transport.caughtUp() }
        }
        let rest = waiting.dropFirst(Self.slice)
        guard !rest.isEmpty else { return }
        let bound = NIOLoopBound((shard: self, rest: rest), eventLoop: eventLoop)
        eventLoop.execute { bound.value.shard.begin(bound.value.rest) }
    }

    /// Tells a reader that the bus is away, where it is.
    public func tellOfAbsence(_ reader: Reader) {
        if isBusAway { write(StreamEvent.busState(isAway: true, time: clock.now()), to: reader) }
    }

    /// Forgets a reader whose connection is gone. Repeating it has no effect.
    public func leave(_ reader: Reader) {
        guard reader.bucketIndex >= 0 else { return }
        reader.isEnding = true
        unbind(reader)
        let bucket = Int(reader.bucket)
        let index = Int(reader.bucketIndex)
        let last = buckets[bucket].removeLast()
        if last !== reader {
            buckets[bucket][index] = last
            last.bucketIndex = Int32(index)
        }
        reader.bucketIndex = -1
        readerCount -= 1
        countChanged(-1)
        metrics.socketClosed(reader.form)
        if readerCount == 0 { drain?.finish() }
    }

    /// Writes bytes to a reader, or ends it where too much waits for it already.
    public func write(_ bytes: ByteBuffer, to reader: Reader) {
        guard !reader.isEnding else { return }
        let pending = reader.writer.pendingBytes
        if pending > 0 && pending + bytes.readableBytes > configuration.maximumPending {
            end(reader, .slow)
        } else {
            reader.writer.write(bytes)
        }
    }

    /// Writes one event to a reader.
    public func write(_ event: StreamEvent, to reader: Reader) {
        var buffer = allocator.buffer(capacity: event.json.count + 64)
        reader.form.append(event, to: &buffer)
        if buffer.readableBytes > 0 { write(buffer, to: reader) }
    }

    func end(_ reader: Reader, _ reason: EndReason) {
        guard !reader.isEnding else { return }
        reader.isEnding = true
        // It gets nothing more, though its connection may still have something to say.
        reader.audience?.leave(reader)
        switch reason {
        case .slow: metrics.slowCloses.increment()
        case .silent: metrics.silentCloses.increment()
        case .draining, .leaving, .caughtUp: break
        }
        reader.transport.end(reason)
    }

    func forEachReader(_ body: (Reader) -> Void) {
        // From the end, since `body` may make readers leave, which moves the last of a bucket.
        for bucket in buckets.indices {
            var index = buckets[bucket].count
            while index > 0 {
                index = min(index, buckets[bucket].count) - 1
                if index >= 0 { body(buckets[bucket][index]) }
            }
        }
    }
}

// Audiences.
extension HubShard {
    /// Binds a reader to the audience of an interest, without making it a live member.
    func bind(_ reader: Reader, to interest: Interest) {
        unbind(reader)
        let key = Audience.Key(interest: interest, form: reader.form)
        let audience = audiences[key] ?? addAudience(key)
        audience.bound += 1
        reader.audience = audience
    }

    /// Takes a reader out of the live feed and from its audience.
    func unbind(_ reader: Reader) {
        if case .ahead = reader.phase { ahead.removeAll { $0 === reader } }
        reader.phase = .idle
        guard let audience = reader.audience else { return }
        audience.leave(reader)
        reader.audience = nil
        audience.bound -= 1
        if audience.bound == 0 { remove(audience) }
    }

    private func addAudience(_ key: Audience.Key) -> Audience {
        let audience = Audience(key)
        audiences[key] = audience
        switch key.interest.topics {
        case .all: audiencesOfAll.append(audience)
        case .some(let topics): for topic in topics { audiencesByTopic[topic, default: []].append(audience) }
        }
        return audience
    }

    private func remove(_ audience: Audience) {
        audiences[audience.key] = nil
        switch audience.interest.topics {
        case .all: audiencesOfAll.removeAll { $0 === audience }
        case .some(let topics):
            for topic in topics {
                audiencesByTopic[topic]?.removeAll { $0 === audience }
                if audiencesByTopic[topic]?.isEmpty == true { audiencesByTopic[topic] = nil }
            }
        }
    }
}

@available(*, unavailable)
extension HubShard: Sendable {}
