#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Base64 (RFC 4648 section 4), as Google's APIs have bytes in JSON.
enum Base64 {
    static func encode(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }

    /// - Returns: `nil` where the text is not Base64.
    static func decode(_ text: String) -> [UInt8]? { Data(base64Encoded: text).map { Array($0) } }

    /// The alphabet that is safe in URLs, without padding (RFC 4648 section 5), as tokens have it.
    static func encodeForURL(_ bytes: some Sequence<UInt8>) -> String {
        var result = Data(bytes).base64EncodedString()
        result.removeAll { $0 == "=" }
        return String(result.map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 })
    }
}
