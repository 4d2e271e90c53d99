/// Which pages may connect and publish: a browser says by `Origin` which page a request comes from.
///
/// Requests without `Origin` come from no page and are not what this guards against.
public enum OriginPolicy: Sendable, Equatable {
    /// The page's origin has the host and port that the request went to.
    case sameOrigin
    /// These origins, besides the same.
    case list(Set<String>)
    case any

    /// Reads `ALLOWED_ORIGINS`: empty, `*`, or origins (`https://example.com`) with commas between.
    ///
    /// - Returns: `nil` where an entry is not an origin.
    public init?(_ text: String) {
        let entries = text.split(separator: ",").map { $0.trimmingBlanks().lowercased() }.filter { !$0.isEmpty }
        if entries.isEmpty {
            self = .sameOrigin
        } else if entries == ["*"] {
            self = .any
        } else {
            guard entries.allSatisfy(Self.isOrigin) else { return nil }
            self = .list(Set(entries))
        }
    }

    /// - Parameter host: the request's own authority, `Host`.
    func allows(_ origin: String?, host: String?) -> Bool {
        guard let origin = origin?.lowercased() else { return true }
        if self == .any { return true }
        if case .list(let origins) = self, origins.contains(origin) { return true }
        guard let authority = Self.authority(origin), let host = host?.lowercased() else { return false }
        return authority == host || authority == Self.withoutDefaultPort(host, of: origin)
    }

    private static func isOrigin(_ text: String) -> Bool {
        guard let authority = authority(text) else { return false }
        return !authority.isEmpty && !authority.contains("/")
    }

    private static func authority(_ origin: String) -> String? {
        for scheme in ["https://", "http://"] where origin.hasPrefix(scheme) {
            return String(origin.dropFirst(scheme.count))
        }
        return nil
    }

    private static func withoutDefaultPort(_ host: String, of origin: String) -> String {
        let port = origin.hasPrefix("https://") ? ":443" : ":80"
        return host.hasSuffix(port) ? String(host.dropLast(port.count)) : host
    }
}

extension StringProtocol where SubSequence == Substring {
    /// Without spaces and tabs around it.
    func trimmingBlanks() -> String {
        let text = self[...].utf8
        let isBlank: (UInt8) -> Bool = { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        guard let first = text.firstIndex(where: { !isBlank($0) }), let last = text.lastIndex(where: { !isBlank($0) })
        else { return "" }
        return String(Substring(text[first...last]))
    }
}
