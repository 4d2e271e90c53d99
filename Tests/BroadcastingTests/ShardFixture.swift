import CoreMetrics
import CrierTesting
import MessageBus
import NIOCore
import NIOEmbedded
import StrictJSON
import WebSocketTransport

@testable import Broadcasting

/// A shard on an event loop that turns only when it is told to, under a clock of the test's.
final class ShardFixture {
    static let vm = VMIdentity(id: "vm", region: "here", boot: "boot")!
    static let epoch: UInt64 = 7

    let loop = EmbeddedEventLoop()
    let clock = VirtualClock()
    let shard: HubShard
    private(set) var published: [Alert] = []

    init(_ configuration: HubConfiguration = HubConfiguration()) {
        shard = HubShard(
            eventLoop: loop, vm: Self.vm, configuration: configuration, clock: clock.wallClock,
            metrics: HubMetrics(factory: NOOPMetricsHandler.instance)
        ) { _ in }
        shard.ring.restart(after: Position(epoch: Self.epoch, offset: 0))
    }

    /// The next alert of the log.
    func alert(
        _ message: String = "text", on topic: String = "a", priority: Priority? = nil, tags: [String] = [],
        expires: Int64? = nil
    ) -> Alert {
        let draft = Draft(
            topic: Topic(topic)!,
            content: AlertContent(message: message, priority: priority, tags: tags, expires: expires), time: clock.now,
            sender: nil, region: "here")
        let alert = Alert(position: Position(epoch: Self.epoch, offset: UInt64(published.count + 1)), draft: draft)
        published.append(alert)
        return alert
    }

    /// Hands a batch to the shard without letting the loop turn again.
    func submit(_ alerts: [Alert]) { shard.submit(.batch(alerts.map(EncodedAlert.init)) {}) }

    /// Hands a batch to the shard and lets it finish.
    func deliver(_ alerts: [Alert]) {
        submit(alerts)
        loop.run()
    }

    func position(_ offset: Int) -> Position { Position(epoch: Self.epoch, offset: UInt64(offset)) }

    func interest(_ topics: String..., filter: AlertFilter = AlertFilter()) -> Interest {
        let names = Set(topics.compactMap(Topic.init))
        return Interest(topics: topics == ["*"] ? .all : .some(names), filter: filter)
    }

    /// A reader that follows from `since` on.
    func reader(_ interest: Interest, since: Since = .none, form: WireForm = .jsonLines) throws -> TestReader {
        let reader = try connect(form: form)
        shard.follow(reader.reader, interest, from: shard.opening(for: interest, since: since))
        return reader
    }

    func connect(form: WireForm = .jsonLines) throws -> TestReader { try TestReader(self, form) }
}

/// A connection whose peer can stop reading.
final class TestReader: ReaderTransport {
    let channel: EmbeddedChannel
    private let valve = Valve()
    private let fixture: ShardFixture
    private(set) var ended: EndReason?
    private(set) var timesCaughtUp = 0
    private(set) var reader: Reader!

    init(_ fixture: ShardFixture, _ form: WireForm) throws {
        self.fixture = fixture
        channel = EmbeddedChannel(handler: valve, loop: fixture.loop)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        let writer = SocketWriter(channel: channel)
        writer.owner = self
        reader = fixture.shard.attach(self, writer: writer, form: form)
    }

    func end(_ reason: EndReason) { ended = reason }

    func caughtUp() { timesCaughtUp += 1 }

    func leave() { fixture.shard.leave(reader) }

    func stopReading() { valve.isShut = true }

    /// Lets everything through that waited.
    func goOnReading() { valve.open() }

    /// What reached the peer since it was last asked, as text.
    func text() throws -> String {
        var text = ""
        while let bytes = try channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: bytes) }
        return text
    }

    /// The JSON events that reached the peer since it was last asked.
    func events() throws -> [JSONObject] {
        try text().split(separator: "\n").map { line in
            guard let object = try JSONValue.parse(String(line)).objectValue else { throw NotAnEvent() }
            return object
        }
    }

    /// The offsets of the alerts that reached the peer since it was last asked.
    func offsets() throws -> [Int] {
        try events().filter { $0["event"]?.stringValue == "message" }.compactMap { event in
            event["id"]?.stringValue.flatMap { Position(id: $0) }.map { Int($0.offset) }
        }
    }

    struct NotAnEvent: Error {}
}

extension TestReader: SocketWriter.Owner {
    func drained() { fixture.shard.drained(reader) }
}

/// Holds writes back while it is shut.
private final class Valve: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer

    var isShut = false
    private var held: [(NIOAny, EventLoopPromise<Void>?)] = []
    private var context: ChannelHandlerContext?

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if isShut { held.append((data, promise)) } else { context.write(data, promise: promise) }
    }

    func open() {
        isShut = false
        while !held.isEmpty {
            let (data, promise) = held.removeFirst()
            context?.writeAndFlush(data, promise: promise)
        }
    }
}
