/// Where Redis is and how to come in, as one line of configuration:
///
/// - `redis://[[user][:password]@]host[:port][/database]`, or `rediss://` for TLS, with `?ca=<file>` to trust the certificates in a PEM file
///   instead of the system's
/// - `unix://[[user][:password]@]/path[?db=<database>]`
/// - `redis+sentinel://[[user][:password]@]host[:port][,host[:port]…]/master[/database]`
///
/// The user and the password are those of Redis; Sentinels get them where they ask for some. With Sentinels, connections are in the clear.
///
/// Follows the `redis` and `rediss` schemes as IANA registered them, and what redis-py and Lettuce take besides. All parts are percent-encoded UTF-8.
struct RedisURL: Sendable, Equatable {
    enum Location: Sendable, Equatable {
        case server(RedisEndpoint)
        /// Sentinels that know where the master is.
        case sentinels([RedisEndpoint], master: String)
    }

    /// `nil`: the password alone, which is that of the user `default`.
    var user: String?
    var password: String?
    var location: Location
    var database = 0
    var isEncrypted = false
    /// A file of certificates to trust instead of the system's.
    var certificates: String?
}
