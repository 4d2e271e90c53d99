import CoreMetrics
import CrierTesting
import MessageBus
import NIOCore
import NIOEmbedded
import Reactor
import StrictJSON

@testable import Broadcasting

/// A shard on an event loop that turns only when it is told to, under a clock of the test's.
final class ShardFixture {
    static let vm = VMIdentity(id: "vm", region: "here", boot: "boot")!
    static let epoch: UInt64 = 7

    let loop = EmbeddedEventLoop()
    let clock = VirtualClock()
    let shard: HubShard
    private(set) var published: [Alert] = []

    /// - Parameter isWarm: whether the shard knows where the log stands.
    init(_ configuration: HubConfiguration = HubConfiguration(), isWarm: Bool = true) {
        shard = HubShard(
            eventLoop: loop, vm: Self.vm, configuration: configuration, clock: clock.wallClock,
            metrics: HubMetrics(factory: NOOPMetricsHandler.instance)
        ) { _ in }
        shard.ring.restart(after: Position(epoch: Self.epoch, offset: 0))
        if isWarm { shard.becomeWarm() }
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

    func connect(form: WireForm = .jsonLines) throws -> TestReader { TestReader(self, form) }
}

/// A connection whose peer can stop reading.
final class TestReader: ReaderTransport {
    private let wire: TestWire
    private let fixture: ShardFixture
    private(set) var ended: EndReason?
    private(set) var timesCaughtUp = 0
    private(set) var reader: Reader!

    init(_ fixture: ShardFixture, _ form: WireForm) {
        self.fixture = fixture
        wire = TestWire(eventLoop: fixture.loop)
        reader = fixture.shard.attach(self, writer: wire, form: form)
    }

    func end(_ reason: EndReason) { ended = reason }

    func caughtUp() { timesCaughtUp += 1 }

    func leave() { fixture.shard.leave(reader) }

    func stopReading() { wire.isShut = true }

    /// Lets everything through that waited.
    func goOnReading() {
        wire.open()
        fixture.shard.drained(reader)
    }

    /// Lets everything through that waited, and nothing of what follows.
    func readOn() {
        wire.open()
        wire.isShut = true
        fixture.shard.drained(reader)
    }

    /// What reached the peer since it was last asked, one write after the other.
    func writes() -> [ByteBuffer] { wire.take() }

    /// What reached the peer since it was last asked, as text.
    func text() throws -> String { writes().map { String(buffer: $0) }.joined() }

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

/// The writing side of a connection that holds writes back while it is shut.
private final class TestWire: SocketWriter {
    let eventLoop: any EventLoop
    var isShut = false
    private var held: [ByteBuffer] = []
    private var written: [ByteBuffer] = []

    init(eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    var pendingBytes: Int { held.reduce(0) { $0 + $1.readableBytes } }
    let isOpen = true
    let isFinishing = false

    func write(_ bytes: ByteBuffer) {
        if isShut { held.append(bytes) } else { written.append(bytes) }
    }

    func writeLast(_ bytes: ByteBuffer) { write(bytes) }

    func writeThenClose(_ bytes: ByteBuffer) { write(bytes) }

    func close() {}

    func open() {
        isShut = false
        written += held
        held = []
    }

    func take() -> [ByteBuffer] {
        defer { written = [] }
        return written
    }
}
