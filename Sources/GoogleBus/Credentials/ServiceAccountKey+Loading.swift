#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension ServiceAccountKey {
    /// The key that the settings give; `nil` where they give none.
    static func load(_ configuration: GoogleBusConfiguration) throws(GoogleBusSetupError) -> ServiceAccountKey? {
        if let text = configuration.serviceAccountJSON {
            return try ServiceAccountKey(Array(text.utf8), from: "GOOGLE_SERVICE_ACCOUNT_JSON")
        }
        guard let path = configuration.credentialsFile else { return nil }
        let setting = "GOOGLE_APPLICATION_CREDENTIALS"
        guard let data = FileManager.default.contents(atPath: path) else {
            let reason =
                FileManager.default.fileExists(atPath: path)
                ? "cannot be read: it has to be a file that this process may read" : "is not there"
            throw GoogleBusSetupError(setting, "the file “\(path)” \(reason)")
        }
        return try ServiceAccountKey(Array(data), from: setting)
    }
}
