import NIOHTTP1

/// The cookie that keeps a browser at one VM, as a request carries it (RFC 6265 section 4.2).
struct AffinityCookie: Equatable, Sendable {
    /// The VM; `nil` where its value cannot be one's id.
    let vm: String?

    /// - Returns: `nil` where there is none. Of several the first counts.
    init?(_ headers: HTTPHeaders) {
        for (name, value) in headers where Self.isCookie(name) {
            if let cookie = Self.read(value) {
                self = cookie
                return
            }
        }
        return nil
    }

    private init(vm: String?) { self.vm = vm }

    private static func isCookie(_ name: String) -> Bool {
        guard name.utf8.count == 6 else { return false }
        // The bit makes a letter lower case, and no other byte that letter.
        return name.utf8.elementsEqual("cookie".utf8) { $0 | 0x20 == $1 }
    }

    private static func read(_ list: String) -> AffinityCookie? {
        var list = list
        return list.withUTF8 { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let element = rest.prefix { $0 != UInt8(ascii: ";") }
                if let value = element.drop(while: isBlank).after("crier_vm=") {
                    return AffinityCookie(vm: AffinityTarget.isVM(value) ? value.string : nil)
                }
                rest = rest[element.endIndex...].dropFirst()
            }
            return nil
        }
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
}
