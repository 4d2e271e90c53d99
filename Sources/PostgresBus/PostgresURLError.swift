/// What is wrong with the settings of the PostgreSQL bus. Says nothing of a password.
public struct PostgresURLError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The setting's name, such as `DATABASE_URL`.
    public let setting: String
    public let reason: String

    init(_ setting: String, _ reason: String) {
        self.setting = setting
        self.reason = reason
    }

    public var description: String { "\(setting): \(reason)" }
}
