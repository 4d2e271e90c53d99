/// The servers that are spoken to, as the beginnings of URLs.
struct GoogleEndpoints: Sendable, Equatable {
    /// Of Pub/Sub, without the version's path.
    var api: String
    var metadata: String
    /// Whether what answers is an emulator, which asks for no credentials.
    var isEmulator: Bool

    init(api: String, metadata: String, isEmulator: Bool = false) {
        self.api = api
        self.metadata = metadata
        self.isEmulator = isEmulator
    }

    init(_ configuration: GoogleBusConfiguration) throws(GoogleBusSetupError) {
        let metadataHost = configuration.metadataHost ?? "metadata.google.internal"
        guard Self.isHost(metadataHost) else {
            throw GoogleBusSetupError("GCE_METADATA_HOST", "has to be a host or host:port, without http://")
        }
        metadata = "http://" + metadataHost
        if let region = configuration.region, !ResourceNames.isRegion(region) {
            throw GoogleBusSetupError(
                "PUBSUB_REGION", "“\(region)” is not a region of Google Cloud, such as europe-west1")
        }
        if let host = configuration.emulatorHost {
            guard Self.isHost(host) else {
                throw GoogleBusSetupError(
                    "PUBSUB_EMULATOR_HOST", "has to be host:port without http://, such as 127.0.0.1:8085")
            }
            api = "http://" + host
            isEmulator = true
        } else {
            api = "https://" + (configuration.region.map { $0 + "-" } ?? "") + "pubsub.googleapis.com"
            isEmulator = false
        }
    }

    /// A name or an address, where an IPv6 one stands in square brackets, and perhaps a port.
    private static func isHost(_ text: String) -> Bool {
        var host = text[...]
        if text.first == "[" {
            guard let end = text.firstIndex(of: "]") else { return false }
            host = text[..<end].dropFirst()
            guard host.contains(":"), host.allSatisfy({ $0.isHexDigit || $0 == ":" || $0 == "." }) else { return false }
            return isPort(text[text.index(after: end)...])
        }
        if let colon = text.firstIndex(of: ":") {
            host = text[..<colon]
            guard isPort(text[colon...]) else { return false }
        }
        return (1...253).contains(host.utf8.count)
            && host.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-._".contains($0)) }
    }

    private static func isPort(_ text: Substring) -> Bool {
        guard !text.isEmpty else { return true }
        guard text.first == ":", let port = UInt16(text.dropFirst()) else { return false }
        return port > 0
    }
}
