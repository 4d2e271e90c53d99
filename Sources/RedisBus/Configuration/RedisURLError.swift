/// Why a URL does not name a Redis. Never says what the URL holds of a password.
public enum RedisURLError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The URL begins with none of the schemes.
    case scheme
    case host
    case port
    /// The database is not a number from 0 to 65,535.
    case database
    /// The user has no password, or one of the two is not percent-encoded as it should.
    case credentials
    /// The path of a unix socket is missing.
    case path
    /// The Sentinel URL does not say which master is asked for.
    case master
    /// A parameter that there is not, by its name.
    case parameter(String)
    /// A certificate file that cannot be read.
    case certificate(file: String)

    public var description: String {
        switch self {
        case .scheme: "a Redis URL begins with redis://, rediss://, unix:// or redis+sentinel://"
        case .host: "the Redis URL's host is missing or malformed (an IPv6 address stands in square brackets)"
        case .port: "the Redis URL's port is not a number from 1 to 65535"
        case .database: "the Redis URL's database is not a number from 0 to 65535"
        case .credentials: "the Redis URL's user lacks a password, or one of them is not percent-encoded UTF-8"
        case .path: "the Redis URL lacks the path of the socket, as in unix:///run/redis/redis.sock"
        case .master: "the Redis URL lacks the master's name, as in redis+sentinel://host:26379/mymaster"
        case .parameter(let name): "the Redis URL has a parameter that has no meaning there: “\(name)”"
        case .certificate(let file): "the certificates in “\(file)” cannot be read"
        }
    }
}
