/// Why PostgreSQL did not do what it was asked.
enum PostgresFailure: Error, Sendable, Equatable {
    /// There is no connection, or there is none any more; in libpq's words.
    case unreachable(String)
    /// No answer came in time.
    case unanswered(String)
    /// More statements wait for their turn than the connection takes.
    case overloaded
    /// The server refused, for the reason that its five-character SQLSTATE names
    /// (PostgreSQL documentation, appendix A, "PostgreSQL Error Codes").
    case refused(sqlState: String, message: String)
    /// The role may not create Crier's schema, or what is in it.
    case mayNotCreate(schema: String, message: String)
    /// The server answered what it should not.
    case unexpected(String)

    /// Whether a table, function or schema is missing: someone has removed them.
    var isMissingSchema: Bool {
        switch self {
        case .refused(let sqlState, _): ["3F000", "42P01", "42883", "42703"].contains(sqlState)
        default: false
        }
    }
}
