public import MessageBus

extension PostgresLogStore {
    /// How long the first probe may take: a server that carries notifications does it in milliseconds.
    private static let firstProbe = Duration.milliseconds(1000)

    /// - Throws: `.backend` where statements pass but notifications do not, as through PgBouncer in transaction mode, which accepts `LISTEN` and forgets
    ///   it.
    public func feed(of vm: VMIdentity) async throws(BusError) -> PostgresLogFeed {
        let deadline = ContinuousClock.now + PostgresLink.patience
        let signals = FeedSignals(FeedInbox(namespace: schema.namespace, vm: vm))
        let connection = PostgresConnection.start(
            direct.named("crier \(vm.subscription)"), until: .now + PostgresLink.connectPatience,
            patience: PostgresLogFeed.patience, events: signals.events)
        do throws(BusError) {
            try await listen(connection, signals.inbox.channels, until: deadline)
            let feed = PostgresLogFeed(connection, signals, of: self)
            try await prove(feed, connection, until: deadline)
            return feed
        } catch {
            connection.close()
            throw error
        }
    }

    private func listen(
        _ connection: PostgresConnection, _ channels: [String], until deadline: ContinuousClock.Instant
    ) async throws(BusError) {
        do throws(PostgresFailure) {
            guard let opening = await connection.opening.value(until: .now + PostgresLink.connectPatience)
            else {
                throw PostgresFailure.unanswered("connecting")
            }
            try opening.get()
            // Quoted: an unquoted name is folded to lower case.
            for channel in channels {
                _ = try await connection.run("LISTEN \"\(channel)\"", until: deadline)
            }
        } catch {
            throw BusError(error)
        }
    }

    private func prove(
        _ feed: PostgresLogFeed, _ connection: PostgresConnection,
        until deadline: ContinuousClock.Instant
    ) async throws(BusError) {
        switch try await feed.hear(until: min(deadline, .now + Self.firstProbe)) {
        case .success?: return
        case .failure(let failure)?: throw BusError(failure)
        case nil: break
        }
        // Where the connection itself does not answer, it is not a pooler's doing.
        do { _ = try await connection.run("SELECT 1", until: deadline) } catch { throw BusError(error) }
        throw BusError(
            .backend,
            """
            PostgreSQL answers, but notifications do not arrive: a pooler stands before it that does not keep sessions, such as \
            PgBouncer in transaction mode; set DATABASE_DIRECT_URL to the address of PostgreSQL itself
            """)
    }
}
