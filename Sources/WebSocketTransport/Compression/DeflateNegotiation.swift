/// Reads the values of `Sec-WebSocket-Extensions` (RFC 6455 section 9.1) and takes the first offer of permessage-deflate that fits; other
/// extensions are passed over.
struct DeflateNegotiation {
    /// What was agreed on, `nil` while no offer fitted.
    private(set) var agreement: PerMessageDeflate?
    /// Whether one of the values breaks the header's grammar.
    private(set) var isMalformed = false

    /// Takes the next of the header's values.
    mutating func take(_ value: UnsafeBufferPointer<UInt8>) {
        var words = HeaderWords(value)
        while !isMalformed, !words.isAtEnd {
            // RFC 9110 section 5.6.1: elements of a list may be empty.
            if words.skip(UInt8(ascii: ",")) { continue }
            readExtension(&words)
        }
    }

    private mutating func readExtension(_ words: inout HeaderWords) {
        guard let name = words.token() else {
            isMalformed = true
            return
        }
        var offer = DeflateOffer()
        while words.skip(UInt8(ascii: ";")) {
            guard let parameter = words.token() else {
                isMalformed = true
                return
            }
            var value: String?
            if words.skip(UInt8(ascii: "=")) {
                value = words.tokenOrQuoted()
                guard value != nil else {
                    isMalformed = true
                    return
                }
            }
            offer.take(parameter, value: value)
        }
        guard words.isAtEnd || words.skip(UInt8(ascii: ",")) else {
            isMalformed = true
            return
        }
        if agreement == nil, name == "permessage-deflate" { agreement = offer.agreement }
    }
}
