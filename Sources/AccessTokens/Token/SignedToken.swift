/// A token taken apart (RFC 7515 section 7.1), of which nothing is verified yet.
struct SignedToken: Sendable {
    let header: TokenHeader
    let payload: [UInt8]
    let signature: [UInt8]
    /// What the signature is of: header and payload as they were written.
    let signed: [UInt8]

    /// How long a token may be, in bytes.
    static let maxBytes = 8192

    /// - Parameter bytes: at most `maxBytes`; longer ones are refused before they are read.
    init(_ bytes: [UInt8], allowing algorithms: Set<SigningAlgorithm>) throws(TokenError) {
        guard bytes.count <= Self.maxBytes else { throw .tooLong }
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw .malformed("it does not have three parts") }
        guard let header = Base64URL.decode(parts[0]), let payload = Base64URL.decode(parts[1]),
            let signature = Base64URL.decode(parts[2])
        else { throw .malformed("a part of it is not base64url") }
        self.header = try TokenHeader(header, allowing: algorithms)
        self.payload = payload
        self.signature = signature
        self.signed = Array(bytes[..<parts[1].endIndex])
    }
}
