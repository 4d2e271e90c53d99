/// What is wrong with the settings of the PostgreSQL bus. Says nothing of a password.
public struct PostgresURLError: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}
