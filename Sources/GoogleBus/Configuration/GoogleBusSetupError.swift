/// What is wrong with the settings of the Google Cloud Pub/Sub bus, and what to do. Says nothing of a private key.
public struct GoogleBusSetupError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The setting's name, such as `GOOGLE_APPLICATION_CREDENTIALS`.
    public let setting: String
    public let reason: String

    public init(_ setting: String, _ reason: String) {
        self.setting = setting
        self.reason = reason
    }

    public var description: String { "\(setting): \(reason)" }
}
