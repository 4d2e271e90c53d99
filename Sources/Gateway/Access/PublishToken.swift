import Crypto

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What publishing needs: `PUBLISH_TOKEN`, or nothing where it is not set.
public struct PublishToken: Sendable {
    private let digest: SHA256Digest?

    /// - Parameter token: `nil` or empty: anyone may publish.
    public init(_ token: String?) {
        self.digest = token.flatMap { $0.isEmpty ? nil : SHA256.hash(data: Array($0.utf8)) }
    }

    public var isSet: Bool { digest != nil }

    /// Compares in a time that does not depend on where they differ.
    func accepts(_ token: String?) -> Bool {
        guard let digest else { return true }
        guard let token else { return false }
        return SHA256.hash(data: Array(token.utf8)) == digest
    }

    /// The token in an `Authorization` value: `Bearer <token>`, or Basic with the token as password.
    static func token(inAuthorization value: String?) -> String? {
        guard let value, let space = value.firstIndex(of: " ") else { return nil }
        let rest = value[value.index(after: space)...].trimmingBlanks()
        switch value[..<space].lowercased() {
        case "bearer": return rest
        case "basic":
            guard let decoded = base64(rest), let colon = decoded.firstIndex(of: ":") else { return nil }
            return String(decoded[decoded.index(after: colon)...])
        default: return nil
        }
    }

    /// ntfy's `?auth=`: the base64url of an `Authorization` value, without padding.
    static func token(inQuery value: String?) -> String? {
        guard let value else { return nil }
        let standard = value.map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 }
        let padding = String(repeating: "=", count: (4 - standard.count % 4) % 4)
        return token(inAuthorization: base64(String(standard) + padding))
    }

    private static func base64(_ text: String) -> String? {
        Data(base64Encoded: text).flatMap { String(validating: $0, as: UTF8.self) }
    }
}
