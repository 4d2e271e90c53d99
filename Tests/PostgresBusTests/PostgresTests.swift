import CrierTesting
import Logging
import MessageBus
import Testing

@testable import PostgresBus

/// All tests of the PostgreSQL bus, one after the other, beside one server that runs for as long as they do.
@Suite("PostgreSQL", .serialized, .postgresServer)
enum PostgresTests {
    @TaskLocal static var sharedServer: PostgresServer?

    struct NoServer: Error {}

    /// The server of the whole suite: for tests that leave it as it is, each in a namespace of its own.
    static var server: PostgresServer {
        get throws {
            guard let sharedServer else { throw NoServer() }
            return sharedServer
        }
    }

    static func namespace() -> String { "test_\(UInt32.random(in: 0...(.max)))" }

    static let logger = Logger(label: "crier.tests") { _ in SwiftLogNoOpLogHandler() }

    static func record(
        _ message: String, topic: String = "tests", key: String? = nil, healedFrom: Position? = nil
    ) throws -> LogRecord {
        let draft = Draft(
            topic: try #require(Topic(topic)), content: AlertContent(message: message),
            time: WallTime(milliseconds: 1_800_000_000_000), sender: nil, region: "here", key: key)
        return LogRecord(draft, healedFrom: healedFrom)
    }

    static func records(_ numbers: Range<Int>) throws -> [LogRecord] { try numbers.map { try record("\($0)") } }

    static func vm(_ id: String, boot: String = "first") throws -> VMIdentity {
        try #require(VMIdentity(id: id, region: "here", boot: boot))
    }

    /// The log as a table's rows, oldest first: `epoch|offset`.
    static func positions(in namespace: String, on server: PostgresServer) async throws -> [Position] {
        let rows = try await server.query(#"SELECT epoch, "offset" FROM \#(namespace).log ORDER BY epoch, "offset""#)
        return rows.split(separator: "\n").compactMap { row in
            let numbers = row.split(separator: "|").compactMap { UInt64($0) }
            return numbers.count == 2 ? Position(epoch: numbers[0], offset: numbers[1]) : nil
        }
    }

    /// A store for the body, closed after it.
    static func withStore<Result>(
        _ url: String, directURL: String? = nil, namespace: String = namespace(), retained: Int = 10_000,
        _ body: (PostgresLogStore) async throws -> Result
    ) async throws -> Result {
        let store = try PostgresBus.store(
            url: url, directURL: directURL, namespace: namespace, logCount: retained, logger: logger)
        return try await perform {
            try await body(store)
        } finally: {
            await store.close()
        }
    }
}

/// Starts the suite's server before its first test and stops it after its last.
struct PostgresServerTrait: SuiteTrait, TestScoping {
    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        let server = try await PostgresServer.start(durable: false)
        try await PostgresTests.$sharedServer.withValue(server) { try await function() }
        try await server.stop()
    }
}

extension Trait where Self == PostgresServerTrait {
    static var postgresServer: PostgresServerTrait { PostgresServerTrait() }
}
