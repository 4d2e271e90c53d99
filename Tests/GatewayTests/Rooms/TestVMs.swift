import CrierTesting
import Logging
import MessageBus
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

@testable import Gateway

/// One VM's presence book on a store that others share.
struct TestVM: Sendable {
    let store: TestStore
    let book: PresenceBook
    let log: LogRecorder
    private let changed: NIOLockedValueBox<[Room]>

    /// - Parameter changes: told of each room that the book tells the others of.
    init(
        _ id: String, on shared: any SharedStore, clock: VirtualClock, timing: PresenceTiming = .forTests(),
        changes: @escaping @Sendable (Room) -> Void = { _ in }
    ) {
        let changed = NIOLockedValueBox<[Room]>([])
        let log = LogRecorder()
        store = TestStore(shared)
        book = PresenceBook(
            vm: RoomFixture.vm(id), store: store, clock: clock.wallClock, timing: timing,
            logger: Logger(label: "tests") { _ in log }
        ) { room in
            changed.withLockedValue { $0.append(room) }
            changes(room)
        }
        self.changed = changed
        self.log = log
    }

    /// The rooms that the others were told of, in order.
    var announced: [Room] { changed.withLockedValue { $0 } }

    func names(in room: Room) -> [String] { book.people(in: room).map(\.name) }

    /// Someone enters who does not listen.
    func enter(_ room: Room, as name: String) -> Stay {
        book.enter(room, as: name, on: MultiThreadedEventLoopGroup.singleton.next()) { _ in }
    }

    /// Runs the books of several VMs for as long as the body.
    static func running(_ vms: TestVM..., body: @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for vm in vms { group.addTask { await vm.book.run() } }
            defer { group.cancelAll() }
            try await body()
        }
    }
}

extension PresenceTiming {
    /// Short in what the machine's clock counts; the lease is counted by the test's.
    static func forTests(_ change: (inout PresenceTiming) -> Void = { _ in }) -> PresenceTiming {
        var timing = PresenceTiming()
        timing.renew = .milliseconds(20)
        timing.lease = .milliseconds(800)
        timing.refresh = .milliseconds(20)
        timing.debounce = .milliseconds(5)
        change(&timing)
        return timing
    }
}

/// Keeps the messages of a log.
struct LogRecorder: LogHandler {
    private let recorded = NIOLockedValueBox<[String]>([])
    var logLevel = Logger.Level.trace
    var metadata: Logger.Metadata = [:]

    var messages: [String] { recorded.withLockedValue { $0 } }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { recorded.withLockedValue { $0.append(event.message.description) } }
}
