/// The name by which others see a user: 1 to 32 letters, digits, spaces and `-_.'`, without blanks around.
struct UserName: Sendable, Equatable {
    let text: String

    private static let marks: Set<Unicode.Scalar> = [" ", "-", "_", ".", "'"]

    /// - Throws: what is wrong with it.
    init(_ given: String) throws(GatewayError) {
        let text = given.trimmingBlanks()
        guard (1...32).contains(text.count), text.utf8.count <= 128,
            text.unicodeScalars.allSatisfy({ Self.isAllowed($0) })
        else {
            throw GatewayError(.invalidField, "a name has 1 to 32 letters, digits, spaces and -_.'")
        }
        guard !Self.isReserved(text) else {
            throw GatewayError(.invalidField, "the name \(text) is the server's own")
        }
        self.text = text
    }

    /// A name that an issuer vouches for, cut to what is shown.
    init(verified name: String) throws(GatewayError) {
        let shown = name.unicodeScalars.filter { Self.isShown($0) }
        text = String(String(String.UnicodeScalarView(shown)).prefix(64)).trimmingBlanks()
        guard !text.isEmpty, !Self.isReserved(text) else {
            throw GatewayError(.invalidToken, "the token's name is the server's own, or empty")
        }
    }

    private static func isReserved(_ text: String) -> Bool {
        let text = text.lowercased()
        return text == SenderNames.publisher || text.hasPrefix(SenderNames.guestPrefix)
    }

    /// Whether it does more than to change how others are shown, or nothing at all.
    private static func isShown(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: false
        default: !scalar.properties.isDefaultIgnorableCodePoint
        }
    }

    private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        guard isShown(scalar) else { return false }
        return marks.contains(scalar) || scalar.properties.isAlphabetic || scalar.properties.numericType != nil
            || scalar.properties.generalCategory == .nonspacingMark
    }
}
