/// Which bus a deployment has and where it is. The backends check their addresses themselves.
public struct BusConfiguration: Sendable, Equatable {
    public enum Kind: String, Sendable, CaseIterable {
        case memory, redis, postgres, google
    }

    public var kind = Kind.memory
    public var redisURL: String?
    public var databaseURL: String?
    /// The database past a pooler; `nil`: `databaseURL`.
    public var databaseDirectURL: String?
    /// What keeps deployments on one Redis or PostgreSQL apart.
    public var namespace = "crier"
    /// How many alerts the log keeps outside the VMs.
    public var logCount = 100_000
    public var pubSub = PubSubConfiguration()

    public init() {}

    init(_ settings: SettingsReader) throws(ConfigurationError) {
        kind = try settings.choice(.bus, standard: kind)
        redisURL = settings.text(.redisURL)
        databaseURL = settings.text(.databaseURL)
        databaseDirectURL = settings.text(.databaseDirectURL)
        namespace = settings.text(.busNamespace) ?? namespace
        guard Self.isNamespace(namespace) else {
            throw ConfigurationError(key: Setting.busNamespace.key, "“\(namespace)” is not [a-z][a-z0-9_]{0,30}")
        }
        logCount = try settings.number(.logCount, in: 100...100_000_000, standard: logCount)
        pubSub = PubSubConfiguration(settings)
        if kind == .redis && redisURL == nil {
            throw ConfigurationError(
                key: Setting.redisURL.key, "BUS=redis needs it, such as redis://127.0.0.1:6379/0")
        }
        if kind == .postgres && databaseURL == nil {
            throw ConfigurationError(
                key: Setting.databaseURL.key, "BUS=postgres needs it, such as postgres://crier@127.0.0.1:5432/crier")
        }
    }

    private static func isNamespace(_ text: String) -> Bool {
        guard (1...31).contains(text.utf8.count), let first = text.utf8.first else { return false }
        let letters = UInt8(ascii: "a")...UInt8(ascii: "z")
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        return letters.contains(first)
            && text.utf8.allSatisfy { letters.contains($0) || digits.contains($0) || $0 == UInt8(ascii: "_") }
    }
}
