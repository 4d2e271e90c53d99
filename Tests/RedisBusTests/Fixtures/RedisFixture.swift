import CrierTesting
import Foundation
import Logging
import MessageBus
import Testing

@testable import RedisBus

/// Runs something against a server of its own, which is stopped whatever comes of it.
func withRedis(
    appendOnly: RedisServer.AppendOnly = .off, replicaOf: Int? = nil, maxMemory: String? = nil, extra: [String] = [],
    _ body: (RedisServer) async throws -> Void
) async throws {
    let server = try await RedisServer.start(
        appendOnly: appendOnly, replicaOf: replicaOf, maxMemory: maxMemory, extra: extra)
    try await perform {
        try await body(server)
    } finally: {
        try await server.stop()
    }
}

/// Runs something with a store of its own, which is closed whatever comes of it.
func withStore(
    _ url: String, namespace: String = "test", logCount: Int = 1000, _ body: (RedisLogStore) async throws -> Void
) async throws {
    let store = try makeStore(url, namespace: namespace, logCount: logCount)
    try await perform {
        try await body(store)
    } finally: {
        await store.close()
    }
}

func makeStore(_ url: String, namespace: String = "test", logCount: Int = 1000) throws -> RedisLogStore {
    RedisLogStore(
        try RedisConnector(RedisURL(url)), keys: RedisKeys(namespace: namespace), logCount: logCount, logger: quiet)
}

/// Says nothing, so that tests' output stays readable.
let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

func record(_ body: String, key: String? = nil, topic: String = "tests", healedFrom: Position? = nil) -> LogRecord {
    let draft = Draft(
        topic: Topic(topic)!, content: AlertContent(message: body), time: WallClock.system.now(), sender: nil,
        region: "here", key: key)
    return LogRecord(draft, healedFrom: healedFrom)
}

func vm(_ id: String, boot: String = "first") -> VMIdentity { VMIdentity(id: id, region: "here", boot: boot)! }

/// Opens the log and waits until its epoch takes something.
extension RedisLogStore {
    @discardableResult
    func append(_ bodies: String..., seen: Position = .origin) async throws -> [Position] {
        try await append(bodies.map { record($0) }, seen: seen).map(\.position)
    }

    /// Everything in the log after a position, through a feed of its own.
    func entries(after position: Position = .origin) async throws -> [StoredAlert] {
        let feed = try await feed(of: vm("reader-of-everything"))
        let reading = try await feed.read(after: position, limit: 10_000, wait: .milliseconds(50))
        await feed.close()
        guard case .alerts(let alerts) = reading else { return [] }
        return alerts
    }

    func messages() async throws -> [String] {
        try await entries().map { Draft(encoded: $0.body, key: $0.key)?.content.message ?? "?" }
    }
}
