import ArgumentParser

/// The address of a Crier server, like `https://alerts.example.com`: scheme, host, optional port and path prefix.
struct ServerURL: Sendable, Equatable, ExpressibleByArgument, CustomStringConvertible {
    static let local = ServerURL(checked: "http://localhost:8080")

    /// Without a slash at the end.
    let description: String

    var defaultValueDescription: String { description }

    private init(checked: String) {
        description = checked
    }

    /// `nil` unless it is an `http` or `https` URL in printable ASCII with a host and with no user, query or fragment.
    init?(argument: String) {
        let scheme = ["http://", "https://"].first { argument.lowercased().hasPrefix($0) }
        guard let scheme else { return nil }
        let refused: Set<Character> = ["?", "#", "@", "\\", "\"", "<", ">"]
        guard argument.utf8.allSatisfy({ (0x21...0x7E).contains($0) }), !argument.contains(where: refused.contains)
        else {
            return nil
        }
        var rest = argument.dropFirst(scheme.count)
        guard let first = rest.first, first != "/", first != ":" else { return nil }
        while rest.last == "/" { rest.removeLast() }
        description = scheme + rest
    }

    /// The URL of a path below this one with a query; names and values are encoded.
    func path(_ path: String, query: [(name: String, value: String)] = []) -> String {
        let query = query.map { "\(Self.encoded($0.name))=\(Self.encoded($0.value))" }.joined(separator: "&")
        return query.isEmpty ? "\(description)/\(path)" : "\(description)/\(path)?\(query)"
    }

    /// Percent-encodes all but the unreserved characters of RFC 3986 §2.3.
    static func encoded(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                result += digits.utf8.count < 2 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return result
    }
}
