public import MessageBus
import NIOConcurrencyHelpers

/// The store in the database that carries the bus, over the bus's connection for statements, a pooler included. Entries expire by that
/// server's clock.
///
/// Bounded by the database's disk. Whoever writes removes some that have expired, in a statement of its own: one that took rows of others
/// together with its own could lock them in another order than they do.
public final class PostgresSharedStore: SharedStore {
    private let log: PostgresLogStore
    private let pace = NIOLockedValueBox(SweepPace())

    init(_ log: PostgresLogStore) { self.log = log }

    public func set(_ name: StoreName, _ value: [UInt8], lasting: Duration) async throws(BusError) {
        try StoreLimits.check(value)
        let deadline = ContinuousClock.now + PostgresLink.patience
        _ = try await log.run(
            """
            INSERT INTO \(table) (collection, key, value, expires)
            VALUES ($1, $2, $3, clock_timestamp() + $4 * interval '1 millisecond')
            ON CONFLICT (collection, key) DO UPDATE
              SET value = excluded.value, expires = clock_timestamp() + $4 * interval '1 millisecond'
            """,
            Self.parameters(name) + [.bytes(value), .integer(StoreLimits.milliseconds(lasting))], until: deadline)
        await sweep(until: deadline)
    }

    public func value(of name: StoreName) async throws(BusError) -> [UInt8]? {
        let rows = try await log.run(
            "SELECT value FROM \(table) WHERE collection = $1 AND key = $2 AND expires > clock_timestamp()",
            Self.parameters(name))
        return rows.count > 0 ? rows[0].bytes(0) : nil
    }

    public func extend(_ name: StoreName, lasting: Duration) async throws(BusError) -> Bool {
        let deadline = ContinuousClock.now + PostgresLink.patience
        let rows = try await log.run(
            """
            UPDATE \(table) SET expires = greatest(expires, clock_timestamp() + $3 * interval '1 millisecond')
            WHERE collection = $1 AND key = $2 AND expires > clock_timestamp() RETURNING true
            """,
            Self.parameters(name) + [.integer(StoreLimits.milliseconds(lasting))], until: deadline)
        await sweep(until: deadline)
        return rows.count > 0
    }

    public func remove(_ name: StoreName) async throws(BusError) -> Bool {
        let rows = try await log.run(
            "DELETE FROM \(table) WHERE collection = $1 AND key = $2 RETURNING expires > clock_timestamp()",
            Self.parameters(name))
        return try log.answer { () throws(PostgresFailure) in rows.count > 0 ? try rows[0].flag(0) : false }
    }

    /// Values past the bound on their bytes are not sent.
    public func entries(
        of collection: StoreCollection, after name: StoreName?, limit: Int
    ) async throws(BusError) -> [StoreEntry] {
        let limit = StoreLimits.listing(limit)
        guard limit > 0 else { return [] }
        let rows = try await log.run(
            """
            SELECT key, CASE WHEN sum(octet_length(value)) OVER (ORDER BY key) <= $4 THEN value END FROM (
              SELECT key, value FROM \(table) WHERE collection = $1 AND key > $2 AND expires > clock_timestamp()
              ORDER BY key LIMIT $3
            ) listed ORDER BY key
            """,
            [
                .text(collection.name), .text(name?.key ?? ""), .integer(Int64(limit)),
                .integer(Int64(StoreLimits.listedBytes)),
            ])
        var entries: [StoreEntry] = []
        entries.reserveCapacity(rows.count)
        for index in 0..<rows.count {
            guard let value = rows[index].bytes(1) else { throw StoreLimits.listingTooLarge }
            // What others have written into the table is no entry.
            guard let name = rows[index].text(0).flatMap({ StoreName(collection, $0) }) else { continue }
            entries.append(StoreEntry(name: name, value: value))
        }
        return entries
    }

    /// Removes some that have expired where it is time to. That it fails is nobody's loss: it is tried again later.
    private func sweep(until deadline: ContinuousClock.Instant) async {
        guard pace.withLockedValue({ $0.isDue(at: .now) }) else { return }
        let rows = try? await log.run(
            """
            WITH gone AS (
              DELETE FROM \(table) WHERE expires <= now() AND ctid = ANY (ARRAY(
                SELECT expired.ctid FROM \(table) expired WHERE expired.expires <= now()
                ORDER BY expired.expires LIMIT $1 FOR UPDATE SKIP LOCKED))
              RETURNING 1
            )
            SELECT count(*) FROM gone
            """, [.integer(Int64(SweepPace.most))], until: deadline)
        guard let rows, let removed = try? rows.only().integer(0) else { return }
        pace.withLockedValue { $0.removed(Int(removed)) }
    }

    private var table: String { "\(log.schema.namespace).store" }

    private static func parameters(_ name: StoreName) -> [PostgresParameter] {
        [.text(name.collection.name), .text(name.key)]
    }
}
