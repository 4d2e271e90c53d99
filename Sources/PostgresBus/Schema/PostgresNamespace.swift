/// The name of the schema that holds a log, which is also the first part of its channel's name: `[a-z_][a-z0-9_]{0,30}`, but not `pg_…`, which
/// PostgreSQL keeps for itself.
struct PostgresNamespace: Hashable, Sendable, CustomStringConvertible {
    let name: String

    init(_ name: String) throws(PostgresURLError) {
        guard name.wholeMatch(of: /[a-z_][a-z0-9_]{0,30}/) != nil, !name.hasPrefix("pg_") else {
            throw PostgresURLError("BUS_NAMESPACE", "has to be [a-z_][a-z0-9_]{0,30} and not begin with pg_")
        }
        self.name = name
    }

    /// The channel on which publishing tells how far the log has come.
    var channel: String { name + "_log" }

    var description: String { name }
}
