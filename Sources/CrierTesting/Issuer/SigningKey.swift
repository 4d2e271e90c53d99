import Crypto
public import CryptoExtras

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A private key of an issuer. Signs with swift-crypto itself, not with what verifies.
public struct SigningKey: Sendable {
    public var id: String?
    public let algorithm: String
    /// The public half's members in a JWK, besides `kid`.
    public var members: [String: String]
    public let sign: @Sendable ([UInt8]) throws -> [UInt8]
    /// The public half in PEM.
    public let pem: String

    public var webKey: String {
        var members = members
        members["kid"] = id
        return "{" + members.map { "\"\($0.key)\":\"\($0.value)\"" }.sorted().joined(separator: ",") + "}"
    }

    public static func rsa(_ id: String?, key: _RSA.Signing.PrivateKey) throws -> SigningKey {
        let numbers = try key.publicKey.getKeyPrimitives()
        return SigningKey(
            id: id, algorithm: "RS256",
            members: ["kty": "RSA", "n": base64URL(numbers.modulus), "e": base64URL(numbers.publicExponent)],
            sign: { Array(try key.signature(for: $0, padding: .insecurePKCS1v1_5).rawRepresentation) },
            pem: key.publicKey.pemRepresentation)
    }

    /// Made once: an RSA key takes its time.
    public static let rsa: Result<SigningKey, any Error> = Result {
        try .rsa("rsa", key: _RSA.Signing.PrivateKey(keySize: .bits2048))
    }

    public static func es256(_ id: String?) -> SigningKey {
        let key = P256.Signing.PrivateKey()
        return curve(
            "P-256", id, algorithm: "ES256", point: Array(key.publicKey.x963Representation),
            sign: { Array(try key.signature(for: $0).rawRepresentation) }, pem: key.publicKey.pemRepresentation)
    }

    public static func es384(_ id: String?) -> SigningKey {
        let key = P384.Signing.PrivateKey()
        return curve(
            "P-384", id, algorithm: "ES384", point: Array(key.publicKey.x963Representation),
            sign: { Array(try key.signature(for: $0).rawRepresentation) }, pem: key.publicKey.pemRepresentation)
    }

    /// - Parameter point: the public half: a byte that says which form this is, then both coordinates.
    private static func curve(
        _ name: String, _ id: String?, algorithm: String, point: [UInt8],
        sign: @escaping @Sendable ([UInt8]) throws -> [UInt8], pem: String
    ) -> SigningKey {
        let size = point.count / 2
        return SigningKey(
            id: id, algorithm: algorithm,
            members: [
                "kty": "EC", "crv": name, "x": base64URL(point[1...size]), "y": base64URL(point[(size + 1)...]),
            ], sign: sign, pem: pem)
    }

    public static func edDSA(_ id: String?) -> SigningKey {
        let key = Curve25519.Signing.PrivateKey()
        return SigningKey(
            id: id, algorithm: "EdDSA",
            members: ["kty": "OKP", "crv": "Ed25519", "x": base64URL(key.publicKey.rawRepresentation)],
            sign: { Array(try key.signature(for: $0)) }, pem: key.publicKey.pemRepresentation)
    }

    /// A token of this key.
    ///
    /// - Parameters:
    ///   - header: in JSON; `nil`: what belongs to the key.
    public func token(_ claims: TestClaims, header: String? = nil) throws -> String {
        let kid = id.map { #","kid":"\#($0)""# } ?? ""
        let header = header ?? #"{"alg":"\#(algorithm)","typ":"JWT"\#(kid)}"#
        let signed = "\(base64URL(header.utf8)).\(base64URL(claims.json.utf8))"
        return "\(signed).\(base64URL(try sign(Array(signed.utf8))))"
    }
}

/// Base64url without padding (RFC 7515 section 2).
public func base64URL(_ bytes: some Sequence<UInt8>) -> String {
    Data(bytes).base64EncodedString().filter { $0 != "=" }.map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 }
        .reduce(into: "") { $0.append($1) }
}
