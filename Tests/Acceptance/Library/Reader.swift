import MessageBus
import NIOCore
import NIOPosix

/// A reader that follows everything, connects again to any VM when it is cut off, and goes on after its cursor. Bound to its event loop.
///
/// It does what the protocol asks of clients: it keeps the newest id that any event carried, gives it back, and drops a healed alert whose former
/// id it has seen.
final class Reader {
    let name: String
    private let form: ReaderStream
    private let eventLoop: any EventLoop
    private let targets: ReaderTargets
    /// Whether it gives its cursor when it connects again.
    private let resumes: Bool
    private(set) var log = ReaderLog()
    private var cursor: Position?
    /// The ids that it has seen.
    private var known: Set<Position> = []
    private var seen = NumberSet()
    private var excused: [(after: Position, upTo: Position)] = []
    private var channel: (any Channel)?
    private(set) var vm: String?
    private var failures = 0
    /// The server asked for this much more time.
    private var extraWait = 0
    private var isAway = true
    /// A port to connect to instead of any.
    private var fixedPort: Int?
    /// Bytes of the connection's `SO_RCVBUF`; `nil` leaves it to the system.
    private var receiveBuffer: Int?
    private var reconnect: Scheduled<Void>?
    /// The log's epochs that it got alerts of.
    private(set) var epochs: Set<UInt64> = []

    init(name: String, form: ReaderStream, resumes: Bool, targets: ReaderTargets, eventLoop: any EventLoop) {
        self.name = name
        self.form = form
        self.resumes = resumes
        self.targets = targets
        self.eventLoop = eventLoop
    }

    /// Whether it has an open stream.
    var isSubscribed: Bool { vm != nil }
    var hasBegun: Bool { cursor != nil }

    // MARK: What the run asks for

    /// Connects, and keeps connecting until ``leave()``.
    ///
    /// - Parameters:
    ///   - port: where to, from now on; `nil` to any VM.
    ///   - receiveBuffer: how much the system keeps for it while it does not read, in bytes; `nil` leaves it to the system.
    func come(to port: Int? = nil, receiveBuffer: Int? = nil) {
        fixedPort = port
        self.receiveBuffer = receiveBuffer
        guard isAway else { return }
        isAway = false
        connect()
    }

    /// Ends its connection and stays away.
    func leave() {
        isAway = true
        reconnect?.cancel()
        channel?.close(promise: nil)
    }

    /// Stops or resumes reading from its connection.
    func setReading(_ isReading: Bool) {
        channel?.setOption(.autoRead, value: isReading).whenComplete { _ in }
    }

    /// Whether every alert was seen, or is covered by a reset.
    func hasEverything(_ receipts: [(number: Int, position: Position)]) -> Bool {
        receipts.allSatisfy { receipt in
            seen.contains(receipt.number)
                || excused.contains { receipt.position > $0.after && receipt.position <= $0.upTo }
        }
    }

    // MARK: What its connection tells

    func connected(_ channel: any Channel) { self.channel = channel }

    func subscribed(_ cursor: Position, vm: String) {
        failures = 0
        self.vm = vm
        log.add(.connected(vm: vm, at: .now))
        if self.cursor == nil { log.add(.began(after: cursor)) }
        advance(cursor)
    }

    func alert(_ position: Position, _ number: Int?, _ healedFrom: Position?) {
        let isKnown = healedFrom.map { known.contains($0) } ?? false
        epochs.insert(position.epoch)
        log.add(.alert(position, number: number, healedFrom: healedFrom, isKnown: isKnown))
        known.insert(position)
        if let number { seen.insert(number) }
        advance(position)
    }

    func reset(_ reset: ReaderLog.Reset) {
        log.add(.reset(reset))
        excused.append((cursor ?? .origin, reset.resumesAfter))
        cursor = reset.resumesAfter
    }

    func advance(_ position: Position) { cursor = max(cursor ?? .origin, position) }

    func note(_ entry: ReaderLog.Entry) { log.add(entry) }

    func wait(milliseconds: Int) { extraWait = Int.random(in: 0...max(0, milliseconds)) }

    func disconnected(code: Int?) {
        channel = nil
        if vm != nil { log.add(.disconnected(code: code, at: .now)) }
        vm = nil
        connectLater()
    }

    // MARK: Connecting

    private func connect() {
        guard !isAway, channel == nil, let port = fixedPort ?? targets.any() else { return connectLater() }
        let connection = NIOLoopBound(
            ReaderConnection(self, form, since: resumes ? cursor : nil, port: port), eventLoop: eventLoop)
        var bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(.seconds(5))
            .channelOption(.maxMessagesPerRead, value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(connection.value)
                }
            }
        if let receiveBuffer {
            bootstrap = bootstrap.channelOption(.socketOption(.so_rcvbuf), value: SocketOptionValue(receiveBuffer))
        }
        bootstrap.connect(host: "127.0.0.1", port: port)
            .assumeIsolated()
            .whenComplete { result in
                switch result {
                case .failure: self.connectLater()
                case .success(let channel): if self.isAway { channel.close(promise: nil) }
                }
            }
    }

    /// Full jitter over a second, twice as much for each failure, 5 seconds at most.
    private func connectLater() {
        guard !isAway else { return }
        let range = min(5000, 1000 << min(failures, 3))
        let wait = Int.random(in: 0...range) + extraWait
        extraWait = 0
        failures += 1
        reconnect?.cancel()
        reconnect = eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(Int64(wait))) { self.connect() }
    }
}

@available(*, unavailable)
extension Reader: Sendable {}

/// Which alerts a reader has seen.
struct NumberSet: Sendable {
    private var words: [UInt64] = []

    mutating func insert(_ number: Int) {
        let word = number >> 6
        while words.count <= word { words.append(0) }
        words[word] |= 1 << UInt64(number & 63)
    }

    func contains(_ number: Int) -> Bool {
        number >> 6 < words.count && words[number >> 6] & 1 << UInt64(number & 63) != 0
    }
}
