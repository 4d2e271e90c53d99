import MessageBus

extension BusError {
    /// What a failure means for whoever uses the bus.
    init(_ failure: PostgresFailure) {
        switch failure {
        case .unreachable(let message):
            self.init(.unavailable, "PostgreSQL cannot be reached: \(message)", retryAfter: 1)
        case .unanswered(let what):
            self.init(.unavailable, "PostgreSQL did not answer in time: \(what)", retryAfter: 1)
        case .overloaded:
            self.init(.unavailable, "too many statements wait for PostgreSQL", retryAfter: 1)
        case .mayNotCreate(let schema, let message):
            self.init(
                .backend,
                """
                \(message): let the role in DATABASE_URL create the schema \(schema) by GRANT CREATE ON DATABASE, \
                or make it by CREATE SCHEMA \(schema) AUTHORIZATION with that role; where it is there and this version adds to it, \
                GRANT CREATE ON SCHEMA \(schema)
                """)
        case .unexpected(let what):
            self.init(.backend, "PostgreSQL answered what it should not: \(what)")
        case .refused(let sqlState, let message):
            let text = "\(message) (SQLSTATE \(sqlState))"
            if Self.isPassing(sqlState) {
                self.init(.unavailable, "PostgreSQL cannot do it now: \(text)", retryAfter: 1)
            } else if let advice = Self.advice(sqlState) {
                self.init(.backend, "\(text): \(advice)")
            } else {
                self.init(.backend, "PostgreSQL refuses: \(text)")
            }
        }
    }

    /// Whether trying again later may help, without anyone changing anything.
    private static func isPassing(_ sqlState: String) -> Bool {
        // Connections, resources, the system (a full disk, input and output): what is wrong there ends.
        if ["08", "53", "58"].contains(sqlState.prefix(2)) { return true }
        return [
            "57P01", "57P02", "57P03", "57P05",  // shutting down, crashing, starting, idle for too long
            "57014",  // cancelled, by a time-out of the server's
            "40001", "40P01", "55P03",  // serialization, deadlock, lock not available
            "25006", "55000",  // read-only: a standby that may be promoted
            "3F000", "42P01", "42883", "42703",  // the schema is gone and is made anew
        ].contains(sqlState)
    }

    private static func advice(_ sqlState: String) -> String? {
        if sqlState.hasPrefix("28") {
            return "check the user and password in DATABASE_URL, and the server's pg_hba.conf"
        }
        return switch sqlState {
        case "3D000": "create the database, or correct its name in DATABASE_URL"
        case "42501":
            """
            the role in DATABASE_URL has to own Crier's schema, or be granted USAGE on it and SELECT, INSERT, UPDATE and DELETE on its tables
            """
        default: nil
        }
    }
}
