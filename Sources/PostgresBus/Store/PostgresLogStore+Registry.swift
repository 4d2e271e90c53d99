public import MessageBus

// The registry. Leases follow the server's clock.
extension PostgresLogStore {
    public func join(_ vm: VMIdentity, load: VMLoad) async throws(BusError) -> Position? {
        let rows = try await run(
            """
            WITH holder AS (
              SELECT position_epoch, position_offset FROM \(table) WHERE name = $1 FOR UPDATE
            ), entered AS (
              INSERT INTO \(table) AS held (name, vm, boot, region, sockets, position_epoch, position_offset, since, seen)
              VALUES ($1, $2, $3, $4, $5, $6, $7, clock_timestamp(), clock_timestamp())
              ON CONFLICT (name) DO UPDATE SET boot = excluded.boot, region = excluded.region,
                sockets = excluded.sockets, position_epoch = excluded.position_epoch,
                position_offset = excluded.position_offset, since = excluded.since, seen = excluded.seen
            )
            SELECT h.position_epoch, h.position_offset, pg_notify($1, $8) IS NULL FROM (SELECT) one LEFT JOIN holder h ON true
            """,
            Self.parameters(vm, load) + [.text(FeedWord.taken(by: vm.boot).text(in: schema.namespace))])
        return try answer { () throws(PostgresFailure) in try rows.only().position(0) }
    }

    public func renew(_ vm: VMIdentity, load: VMLoad) async throws(BusError) -> Renewal {
        let rows = try await run(
            """
            WITH renewed AS (
              INSERT INTO \(table) AS held (name, vm, boot, region, sockets, position_epoch, position_offset, since, seen)
              VALUES ($1, $2, $3, $4, $5, $6, $7, clock_timestamp(), clock_timestamp())
              ON CONFLICT (name) DO UPDATE SET region = excluded.region, sockets = excluded.sockets,
                position_epoch = excluded.position_epoch, position_offset = excluded.position_offset, seen = excluded.seen
              WHERE held.boot = excluded.boot
              RETURNING 1
            )
            SELECT epoch, last_offset, EXISTS (SELECT FROM renewed) FROM \(schema.namespace).state
            """, Self.parameters(vm, load))
        return try answer { () throws(PostgresFailure) in
            let row = try rows.only()
            return Renewal(isCurrent: try row.flag(2), head: try row.requiredPosition(0))
        }
    }

    public func leave(_ vm: VMIdentity) async throws(BusError) {
        _ = try await run(
            "DELETE FROM \(table) WHERE name = $1 AND boot = $2",
            [.text(vm.subscription.name), .text(vm.boot)])
    }

    /// Also lets go of alerts and keys that the log need not hold any more.
    ///
    /// A lease that is renewed while it is reaped stays: PostgreSQL looks at the row again after it waited for the renewal.
    public func reap(lease: Duration) async throws(BusError) -> [SubscriptionName] {
        let deadline = ContinuousClock.now + PostgresLink.patience
        let rows = try await run(
            "DELETE FROM \(table) WHERE seen < clock_timestamp() - $1 * interval '1 millisecond' RETURNING vm",
            [.integer(Int64(lease / .milliseconds(1)))], until: deadline)
        try await sweep(until: deadline)
        return rows.compactMap { $0.text(0).flatMap(SubscriptionName.init(vm:)) }
    }

    /// Everyone in the registry, but for rows that are nobody.
    public func members() async throws(BusError) -> LogMembers {
        let rows = try await run(
            """
            SELECT s.epoch, s.last_offset, m.vm, m.region, m.boot, m.sockets, m.position_epoch, m.position_offset,
              (extract(epoch FROM m.since) * 1000)::bigint, (extract(epoch FROM m.seen) * 1000)::bigint
            FROM \(schema.namespace).state s LEFT JOIN \(table) m ON true ORDER BY m.name
            """, [])
        return try answer { () throws(PostgresFailure) in
            guard rows.count > 0 else { throw .unexpected("the log has no state") }
            let members = rows.compactMap(Self.member)
            return LogMembers(members: members, head: try rows[0].requiredPosition(0))
        }
    }

    private var table: String { "\(schema.namespace).subscription" }

    private static func parameters(_ vm: VMIdentity, _ load: VMLoad) -> [PostgresParameter] {
        [
            .text(vm.subscription.name), .text(vm.id), .text(vm.boot), .text(vm.region),
            .integer(Int64(load.sockets)),
        ] + load.position.parameters
    }

    /// - Returns: `nil` where the row is nobody: what others write to the registry is not trusted.
    private static func member(_ row: PostgresRow) -> LogMembers.Member? {
        guard let id = row.text(2), let region = row.text(3), let boot = row.text(4),
            let vm = VMIdentity(id: id, region: region, boot: boot), let sockets = try? row.integer(5),
            let position = try? row.position(6), let since = try? row.integer(8),
            let seen = try? row.integer(9)
        else { return nil }
        return LogMembers.Member(
            vm: vm, load: VMLoad(sockets: Int(sockets), position: position),
            since: WallTime(milliseconds: since), seen: WallTime(milliseconds: seen))
    }
}
