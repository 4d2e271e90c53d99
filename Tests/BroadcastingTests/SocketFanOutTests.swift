import CoreMetrics
import CrierTesting
import MessageBus
import NIOCore
import Reactor
import StrictJSON
import Testing

@testable import Broadcasting

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A shard on a reactor's loop, whose readers are written by their descriptors.
@Suite(.timeLimit(.minutes(5))) struct SocketFanOutTests {
    /// More readers than a slice, so that the loop turns in the middle of the batch.
    @Test(
        "Who joins, leaves, stops reading or changes topics in the middle of a fan-out gets everything once",
        arguments: [true, false])
    func interleaves(_ usesRing: Bool) async throws {
        let loop = try ReactorLoop(usesRing: usesRing)
        let (all, ends) = try await loop.submit {
            let room = try SocketRoom(loop)
            var readers = try (0..<1_400).map { _ in try room.reader(on: ["a"]) }
            let all = readers
            // Full: what is written to it waits.
            readers[700].fillUp()
            room.submit(["a", "a"])
            #expect(room.shard.fanOut != nil, "the batch was written in one slice")
            let visited = readers.filter { room.shard.settled($0.reader) == room.shard.head }.count
            #expect(visited > 0 && visited < readers.count)
            for index in stride(from: 0, to: 200, by: 7).reversed() {
                readers[index].socket.close()
                readers.remove(at: index)
            }
            let late = try room.reader(on: ["a"], since: .all)
            let live = try room.reader(on: ["a"])
            let moved = readers[300]
            room.refollow(moved, on: ["a", "b"])
            room.submit(["a", "b"])
            return (
                NIOLoopBound(all + [late, live], eventLoop: loop),
                (late: late.peer, live: live.peer, moved: moved.peer, full: all[700].peer)
            )
        }.get()
        // Two batches later everything is written, or waits for the one that is full.
        try await eventually("the end of writing") {
            try await loop.submit {
                all.value.allSatisfy {
                    !$0.isOpen || ($0.read() && $0.socket.pendingBytes == 0 && $0.room.shard.fanOut == nil)
                }
            }.get()
        }
        try await loop.submit {
            for reader in all.value where reader.isOpen {
                let offsets = reader.offsets()
                switch reader.peer {
                case ends.late: #expect(offsets == [1, 2, 3])
                case ends.live: #expect(offsets == [3])
                case ends.moved: #expect(offsets == [1, 2, 3, 4])
                default: #expect(offsets == [1, 2, 3])
                }
            }
        }.get()
        try await loop.shutdownGracefully()
    }

    @Test(
        "What the kernel takes of a batch in part is finished before the next, byte for byte", arguments: [true, false])
    func partial(_ usesRing: Bool) async throws {
        let loop = try ReactorLoop(usesRing: usesRing)
        let bound = try await loop.submit {
            let room = try SocketRoom(loop)
            let reader = try room.reader(on: ["a"])
            // Until some of it waits.
            while reader.socket.pendingBytes == 0 { room.submit(["a"], text: String(repeating: "x", count: 3_000)) }
            room.submit(["a", "a"], text: "y")
            return NIOLoopBound(reader, eventLoop: loop)
        }.get()
        try await eventually("the end of writing") {
            try await loop.submit { bound.value.read() && bound.value.socket.pendingBytes == 0 }.get()
        }
        try await loop.submit {
            let count = bound.value.room.count
            #expect(count > 10)
            #expect(bound.value.offsets() == Array(1...count))
            bound.value.room.submit(["a"])
            #expect(bound.value.socket.pendingBytes == 0, "the direct way is open again")
            #expect(bound.value.offsets() == [count + 1])
        }.get()
        try await loop.shutdownGracefully()
    }
}

/// A shard and its log. Bound to its loop.
private final class SocketRoom {
    static let epoch: UInt64 = 7

    let loop: ReactorLoop
    let shard: HubShard
    private(set) var count = 0

    init(_ loop: ReactorLoop) throws {
        self.loop = loop
        let vm = try #require(VMIdentity(id: "vm", region: "here", boot: "boot"))
        shard = HubShard(
            eventLoop: loop, vm: vm, configuration: HubConfiguration(maximumPending: 1 << 24), clock: .system,
            metrics: HubMetrics(factory: NOOPMetricsHandler.instance)
        ) { _ in }
        shard.ring.restart(after: Position(epoch: Self.epoch, offset: 0))
        shard.becomeWarm()
    }

    private func interest(_ topics: [String]) -> Interest {
        Interest(topics: .some(Set(topics.compactMap(Topic.init))))
    }

    func reader(on topics: [String], since: Since = .none) throws -> SocketReader {
        let reader = try SocketReader(self)
        let interest = interest(topics)
        shard.follow(reader.reader, interest, from: shard.opening(for: interest, since: since))
        return reader
    }

    func refollow(_ reader: SocketReader, on topics: [String]) {
        shard.refollow(
            reader.reader, interest(topics), adding: interest(["b"]), from: Opening(cursor: shard.head))
    }

    /// Hands a batch with an alert on each of the topics to the shard.
    func submit(_ topics: [String], text: String = "text") {
        let alerts = topics.map { topic -> EncodedAlert in
            count += 1
            let draft = Draft(
                topic: Topic(topic)!, content: AlertContent(message: text), time: WallClock.system.now(), sender: nil,
                region: "here")
            return EncodedAlert(Alert(position: Position(epoch: Self.epoch, offset: UInt64(count)), draft: draft))
        }
        shard.submit(.batch(alerts) {})
    }
}

/// A reader at one end of a pair of sockets; the test has the other.
private final class SocketReader: ReaderTransport, SocketHandler {
    unowned let room: SocketRoom
    private let held: SocketRoom
    let socket: StreamSocket
    let peer: CInt
    private(set) var reader: Reader!
    private(set) var isOpen = true
    private var filling = 0
    private var text: [UInt8] = []

    init(_ room: SocketRoom) throws {
        self.room = room
        held = room
        var pair: [CInt] = [0, 0]
        let kind = CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue)
        try #require(socketpair(AF_UNIX, kind, 0, &pair) == 0)
        peer = pair[1]
        socket = try StreamSocket(adopting: pair[0], on: room.loop)
        reader = room.shard.attach(self, writer: socket, form: .jsonLines)
        socket.handler = self
    }

    /// Writes blanks until the kernel takes no more.
    func fillUp() {
        while socket.pendingBytes == 0 {
            socket.write(ByteBuffer(repeating: UInt8(ascii: "\n"), count: 4096))
            filling += 4096
        }
    }

    /// Reads what is there.
    func read() -> Bool {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(peer, &bytes, bytes.count, CInt(MSG_DONTWAIT))
            guard count > 0 else { return true }
            text += bytes[..<count]
        }
    }

    /// The offsets of the alerts that have come since it was last asked.
    func offsets() -> [Int] {
        _ = read()
        defer { text = [] }
        return text.split(separator: UInt8(ascii: "\n")).compactMap { line in
            let object = try? JSONValue.parse(line).objectValue
            return object?["id"]?.stringValue.flatMap { Position(id: $0) }.map { Int($0.offset) }
        }
    }

    func end(_ reason: EndReason) {}
    func caughtUp() {}
    func received(_ bytes: inout ByteBuffer) {}
    func inputEnded() {}
    func drained() { room.shard.drained(reader) }

    func closed(_ error: SocketError?) {
        isOpen = false
        room.shard.leave(reader)
        close(peer)
    }
}
