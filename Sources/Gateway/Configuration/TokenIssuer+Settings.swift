import AccessTokens

extension TokenIssuer {
    /// - Returns: `nil` where no issuer is set.
    init?(_ settings: SettingsReader) throws(ConfigurationError) {
        guard let issuer = settings.text(.jwtIssuer) else {
            for setting in [Setting.jwtAudience, .jwtKeysURL, .jwtAlgorithms] where settings.text(setting) != nil {
                throw ConfigurationError(key: Setting.jwtIssuer.key, "\(setting.key) needs it")
            }
            return nil
        }
        guard let audience = settings.text(.jwtAudience) else {
            throw ConfigurationError(
                key: Setting.jwtAudience.key, "JWT_ISSUER needs it: what tokens for this server have as aud")
        }
        do throws(TokenIssuerError) {
            self = try TokenIssuer(
                issuer: issuer, audience: audience, keysURL: settings.text(.jwtKeysURL),
                algorithms: Self.algorithms(settings.text(.jwtAlgorithms)))
        } catch {
            let setting: Setting =
                switch error {
                case .issuer: .jwtIssuer
                case .audience: .jwtAudience
                case .keys: .jwtKeysURL
                case .algorithms: .jwtAlgorithms
                }
            throw ConfigurationError(key: setting.key, error.description)
        }
    }

    private static func algorithms(_ text: String?) throws(TokenIssuerError) -> Set<SigningAlgorithm> {
        guard let text else { return defaultAlgorithms }
        let algorithms = text.split(separator: ",").map { SigningAlgorithm(rawValue: $0.trimmingBlanks()) }
        guard !algorithms.contains(nil) else { throw .algorithms }
        return Set(algorithms.compactMap { $0 })
    }
}
