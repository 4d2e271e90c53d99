import Broadcasting

/// How users sign in.
public struct SignInConfiguration: Sendable {
    /// What signing in by name needs; not set: nothing.
    public var password = PublishToken(nil)
    /// How long a session lasts that is not used.
    public var lifetime = Duration.seconds(7 * 86_400)

    public init() {}

    init(_ settings: SettingsReader) throws(ConfigurationError) {
        password = PublishToken(settings.text(.signInPassword))
        guard let text = settings.text(.sessionLifetime) else { return }
        guard let lifetime = Duration(shortForm: text), lifetime >= .seconds(60) else {
            throw ConfigurationError(
                key: Setting.sessionLifetime.key, "“\(text)” is not a duration such as 12h, 7d, of 60s at least")
        }
        self.lifetime = lifetime
    }
}
