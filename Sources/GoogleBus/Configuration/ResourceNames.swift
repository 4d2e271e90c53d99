/// The names that Google accepts for what Crier uses.
enum ResourceNames {
    /// A topic or a subscription: 3 to 255 characters, a letter first, and none that Google keeps for itself.
    static func isValid(_ name: String) -> Bool {
        guard (3...255).contains(name.utf8.count), let first = name.utf8.first, isLetter(first) else { return false }
        return !name.hasPrefix("goog") && name.utf8.allSatisfy(isNameCharacter)
    }

    /// A project's id, also one that begins with a domain (`example.com:project`), or its number.
    static func isProject(_ name: String) -> Bool {
        if !name.isEmpty, name.utf8.count <= 20, name.utf8.allSatisfy(isDigit) { return true }
        let parts = name.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let id = parts.last, let first = id.utf8.first, let last = id.utf8.last, (6...30).contains(id.utf8.count),
            isLowercase(first), last != UInt8(ascii: "-"), id.utf8.allSatisfy(isLowercaseDigitOrHyphen)
        else { return false }
        return parts.count == 1 || isDomain(parts[0])
    }

    /// A project of an emulator, which takes any name.
    static func isEmulatedProject(_ name: String) -> Bool {
        (1...63).contains(name.utf8.count)
            && name.utf8.allSatisfy { isNameCharacter($0) && $0 != UInt8(ascii: "%") || $0 == UInt8(ascii: ":") }
    }

    /// A region such as `europe-west1`. It becomes part of a host's name.
    static func isRegion(_ name: String) -> Bool {
        guard (3...40).contains(name.utf8.count), let first = name.utf8.first, let last = name.utf8.last else {
            return false
        }
        return isLowercase(first) && last != UInt8(ascii: "-") && name.utf8.contains(UInt8(ascii: "-"))
            && name.utf8.allSatisfy(isLowercaseDigitOrHyphen)
    }

    private static func isDomain(_ text: Substring) -> Bool {
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        return labels.count > 1 && text.utf8.count <= 253
            && labels.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy(isLowercaseDigitOrHyphen) }
    }

    private static func isNameCharacter(_ byte: UInt8) -> Bool {
        isLetter(byte) || isDigit(byte) || "-_.~+%".utf8.contains(byte)
    }

    private static func isLowercaseDigitOrHyphen(_ byte: UInt8) -> Bool {
        isLowercase(byte) || isDigit(byte) || byte == UInt8(ascii: "-")
    }

    private static func isLowercase(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
    private static func isLetter(_ byte: UInt8) -> Bool { isLowercase(byte | 0x20) }
    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
