import StrictJSON

/// An error as Google's APIs have it in JSON: a google.rpc.Status with its details.
struct ErrorAnswer: Sendable, Equatable {
    /// The status's name, such as `NOT_FOUND`.
    var status: String?
    var message: String?
    /// Why, in one word such as `SERVICE_DISABLED` (google.rpc.ErrorInfo).
    var reason: String?
    /// What goes with the reason.
    var metadata: [String: String] = [:]
    /// In seconds (google.rpc.RetryInfo).
    var retryAfter: Int?

    /// - Returns: `nil` where this is no such error.
    init?(_ body: [UInt8]) {
        guard let error = (try? JSONValue.parse(body))?.objectValue?["error"]?.objectValue else { return nil }
        status = error["status"]?.stringValue?.printable(upTo: 64)
        message = error["message"]?.stringValue?.printable(upTo: 1_000)
        for detail in error["details"]?.arrayValue ?? [] {
            guard let detail = detail.objectValue, let type = detail["@type"]?.stringValue else { continue }
            if type.hasSuffix("google.rpc.ErrorInfo"), reason == nil {
                reason = detail["reason"]?.stringValue?.printable(upTo: 64)
                for (name, value) in detail["metadata"]?.objectValue?.members ?? [] {
                    metadata[name] = value.stringValue?.printable(upTo: 256)
                }
            } else if type.hasSuffix("google.rpc.RetryInfo") {
                let delay = detail["retryDelay"]?.stringValue.flatMap(GoogleDuration.parse)
                retryAfter = delay.map { Int(min(max($0.components.seconds, 0), 3600)) + 1 }
            }
        }
    }
}
