import CrierTesting
import MessageBus
import Testing

@testable import PostgresBus

extension PostgresTests {
    /// One connection through libpq.
    struct ConnectionTests {
        private func withConnection(
            patience: Duration = .seconds(3), events: PostgresConnection.Events = .init(),
            _ body: (PostgresConnection) async throws -> Void
        ) async throws {
            let parameters = try ConnectionParameters(try server.url, setting: "DATABASE_URL")
            let connection = PostgresConnection.start(
                parameters, until: .now + .seconds(3), patience: patience, events: events)
            try #require(await connection.opening.value(until: .now + .seconds(3))).get()
            try await perform {
                try await body(connection)
            } finally: {
                connection.close()
            }
        }

        private var soon: ContinuousClock.Instant { .now + .seconds(3) }

        @Test("Parameters of every type come back as they were")
        func passesParameters() async throws {
            try await withConnection { connection in
                let text = "'; DROP TABLE x; -- \\ \" Ünï\u{1F47D} $1"
                let row = try await connection.run(
                    """
                    SELECT $1::text, $2::bigint, ($3::bytea[])[1], ($3::bytea[])[2] IS NULL, ($3::bytea[])[3], ($4::text[])[2],
                      ($5::bigint[])[1], ($5::bigint[])[2], cardinality($6::text[])::bigint
                    """,
                    [
                        .text(text), .integer(.min), .bytesArray([[0, 255, 39, 92], nil, []]),
                        .textArray(["a,{}", text]),
                        .integerArray([nil, -2]), .textArray([]),
                    ], until: soon
                ).only()
                #expect(row.text(0) == text)
                #expect(try row.integer(1) == .min)
                #expect(row.bytes(2) == [0, 255, 39, 92])
                #expect(try row.flag(3))
                #expect(row.bytes(4) == [])
                #expect(row.text(5) == text)
                #expect(try row.integer(6) == nil)
                #expect(try row.integer(7) == -2)
                #expect(try row.integer(8) == 0)
                let empty = try await connection.run("SELECT $1::text", [.text("")], until: soon).only()
                #expect(empty.text(0) == "")
            }
        }

        @Test("An answer of another type, or of another number of rows, is a failure")
        func findsUnexpectedAnswers() async throws {
            try await withConnection { connection in
                let rows = try await connection.run(
                    "SELECT 1::int, 2::bigint, 'x' UNION ALL SELECT 1, -2, 'y'", until: soon)
                #expect(throws: PostgresFailure.self) { try rows.only() }
                #expect(throws: PostgresFailure.self) { try rows[0].integer(0) }
                #expect(throws: PostgresFailure.self) { try rows[0].flag(1) }
                #expect(throws: PostgresFailure.self) { try rows[0].flag(7) }
                #expect(throws: PostgresFailure.self) { try rows[1].position(1) }
                #expect(throws: PostgresFailure.self) { try rows[0].requiredPosition(5) }
                #expect(try rows[0].integer(9) == nil)
            }
        }

        @Test("A statement that the server refuses leaves the connection as it was")
        func survivesRefusal() async throws {
            try await withConnection { connection in
                for (sql, sqlState) in [
                    ("SELECT", nil), ("SELECT nothing", "42703"), ("SELECT 1/0", "22012"),
                    ("SELECT 1; SELECT 2", "42601"),
                    ("SELECT $1::text", "08P01"),
                ] {
                    var refused: String?
                    do throws(PostgresFailure) { _ = try await connection.run(sql, until: soon) } catch {
                        if case .refused(let sqlState, _) = error { refused = sqlState }
                    }
                    #expect(refused == sqlState, "\(sql)")
                }
                let bad = await #expect(throws: PostgresFailure.self) {
                    try await connection.run("SELECT $1::text", [.text("a\u{0}b")], until: soon)
                }
                #expect(
                    bad == .refused(sqlState: "22021", message: "invalid byte sequence for encoding \"UTF8\": 0x00"))
                let row = try await connection.run("SELECT 7::bigint", until: soon).only()
                #expect(try row.integer(0) == 7)
                #expect(!connection.isClosed)
            }
        }

        @Test("A statement that the server takes too long for ends the connection, which is told")
        func endsWithoutAnswer() async throws {
            let told = Pending<PostgresFailure>()
            try await withConnection(patience: .milliseconds(300), events: .init(closed: { told.resolve($0) })) {
                connection in
                let start = ContinuousClock.now
                await #expect(throws: PostgresFailure.unanswered("a statement")) {
                    _ = try await connection.run("SELECT pg_sleep(30)", until: soon)
                }
                #expect(ContinuousClock.now - start < .seconds(2))
                #expect(await told.value(until: soon) == .unanswered("a statement"))
                #expect(connection.isClosed)
                await #expect(throws: PostgresFailure.unanswered("a statement")) {
                    _ = try await connection.run("SELECT 1", until: soon)
                }
            }
        }

        @Test("Who has little time is answered in time, running or waiting, and the connection goes on")
        func answersInTime() async throws {
            try await withConnection { connection in
                let start = ContinuousClock.now
                await withTaskGroup(of: Void.self) { group in
                    for _ in 0..<3 {
                        group.addTask {
                            await #expect(throws: PostgresFailure.self) {
                                _ = try await connection.run("SELECT pg_sleep(1)", until: start + .milliseconds(300))
                            }
                            #expect(ContinuousClock.now - start < .milliseconds(900))
                        }
                    }
                }
                let row = try await connection.run("SELECT 7::bigint", until: soon).only()
                #expect(try row.integer(0) == 7)
                #expect(ContinuousClock.now - start > .milliseconds(900))
            }
        }

        @Test("More statements than the queue takes are refused at once, the others are carried out")
        func boundsQueue() async throws {
            try await withConnection { connection in
                let deadline = ContinuousClock.now + .seconds(20)
                let outcomes = await withTaskGroup(of: Bool.self) { group in
                    group.addTask { (try? await connection.run("SELECT pg_sleep(1)", until: deadline)) != nil }
                    for _ in 0..<1200 {
                        group.addTask {
                            do throws(PostgresFailure) {
                                _ = try await connection.run("SELECT 1", until: deadline)
                            } catch {
                                #expect(error == .overloaded)
                                return false
                            }
                            return true
                        }
                    }
                    return await group.reduce(into: [Bool: Int]()) { $0[$1, default: 0] += 1 }
                }
                #expect(outcomes[false] ?? 0 > 0 && outcomes[true] ?? 0 >= 1024)
            }
        }
    }
}
