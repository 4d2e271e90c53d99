import HTTPTypes

/// What pages of other origins that are allowed need to be told (Fetch standard, "CORS protocol").
enum CORS {
    /// Answers of a request that was let in.
    static func headers(origin: String?, policy: OriginPolicy) -> HTTPFields {
        guard let origin, policy != .sameOrigin else { return [:] }
        return [
            .accessControlAllowOrigin: singleLine(origin), .accessControlExposeHeaders: "Retry-After", .vary: "Origin",
        ]
    }

    /// The answer to a preflight.
    static func preflight(origin: String?, policy: OriginPolicy, requestedHeaders: String?) -> HTTPFields {
        var fields = headers(origin: origin, policy: policy)
        guard !fields.isEmpty else { return fields }
        fields[.accessControlAllowMethods] = "GET, POST, PUT"
        fields[.accessControlAllowHeaders] = requestedHeaders.map(singleLine)
        fields[.accessControlMaxAge] = "600"
        return fields
    }

    /// A header's value as it may be echoed: visible ASCII only.
    static func singleLine(_ value: String) -> String {
        String(value.unicodeScalars.filter { (0x20...0x7E).contains($0.value) }.map(Character.init))
    }
}
