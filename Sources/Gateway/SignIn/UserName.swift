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
        let shown = name.unicodeScalars.filter { $0.properties.generalCategory != .control }
        text = String(String(String.UnicodeScalarView(shown)).prefix(64)).trimmingBlanks()
        guard !text.isEmpty, !Self.isReserved(text) else {
            throw GatewayError(.invalidToken, "the token's name is the server's own, or empty")
        }
    }

    private static func isReserved(_ text: String) -> Bool {
        let text = text.lowercased()
        return text == SenderNames.publisher || text.hasPrefix(SenderNames.guestPrefix)
    }

    private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        marks.contains(scalar) || scalar.properties.isAlphabetic || scalar.properties.numericType != nil
            || scalar.properties.generalCategory == .nonspacingMark
    }
}
