#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A URL that keys may be fetched from: `https`, or `http` on this machine.
struct KeyURL: Sendable, Equatable {
    /// As it is given to the HTTP client.
    let text: String
    let isEncrypted: Bool

    /// - Returns: `nil` where keys must not be fetched from there, and where it is no URL.
    init?(_ text: String) {
        guard text.utf8.count <= 2048, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }),
            let url = URL(string: text), url.user == nil, url.password == nil, url.fragment == nil,
            let host = url.host, !host.isEmpty
        else { return nil }
        switch url.scheme?.lowercased() {
        case "https": isEncrypted = true
        case "http" where Self.isLoopback(host): isEncrypted = false
        default: return nil
        }
        self.text = text
    }

    /// Where a redirect from here leads.
    ///
    /// - Returns: `nil` where it must not be followed: to another scheme, or to what is no such URL.
    func redirected(to location: String) -> KeyURL? {
        guard location.utf8.count <= 2048, let base = URL(string: text),
            let target = URL(string: location, relativeTo: base).flatMap({ KeyURL($0.absoluteString) }),
            target.isEncrypted == isEncrypted
        else { return nil }
        return target
    }

    private static func isLoopback(_ host: String) -> Bool {
        if ["localhost", "::1", "[::1]"].contains(host.lowercased()) { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }
}
