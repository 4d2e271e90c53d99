import Crypto
import CryptoExtras

@testable import AccessTokens

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A private key of an issuer. Signs with swift-crypto itself, not with what verifies.
struct SigningKey: Sendable {
    var id: String?
    let algorithm: String
    /// The public half's members in a JWK, besides `kid`.
    var members: [String: String]
    let sign: @Sendable ([UInt8]) throws -> [UInt8]
    /// The public half in PEM.
    let pem: String

    var webKey: String {
        var members = members
        members["kid"] = id
        return "{" + members.map { "\"\($0.key)\":\"\($0.value)\"" }.sorted().joined(separator: ",") + "}"
    }

    static func rsa(_ id: String?, key: _RSA.Signing.PrivateKey) throws -> SigningKey {
        let numbers = try key.publicKey.getKeyPrimitives()
        return SigningKey(
            id: id, algorithm: "RS256",
            members: ["kty": "RSA", "n": base64URL(numbers.modulus), "e": base64URL(numbers.publicExponent)],
            sign: { Array(try key.signature(for: $0, padding: .insecurePKCS1v1_5).rawRepresentation) },
            pem: key.publicKey.pemRepresentation)
    }

    /// Made once: an RSA key takes its time.
    static let rsa: Result<SigningKey, any Error> = Result {
        try .rsa("rsa", key: _RSA.Signing.PrivateKey(keySize: .bits2048))
    }

    static func es256(_ id: String?) -> SigningKey {
        let key = P256.Signing.PrivateKey()
        let point = key.publicKey.x963Representation
        return SigningKey(
            id: id, algorithm: "ES256",
            members: [
                "kty": "EC", "crv": "P-256", "x": base64URL(point[1..<33]), "y": base64URL(point[33..<65]),
            ],
            sign: { Array(try key.signature(for: $0).rawRepresentation) }, pem: key.publicKey.pemRepresentation)
    }

    static func es384(_ id: String?) -> SigningKey {
        let key = P384.Signing.PrivateKey()
        let point = key.publicKey.x963Representation
        return SigningKey(
            id: id, algorithm: "ES384",
            members: [
                "kty": "EC", "crv": "P-384", "x": base64URL(point[1..<49]), "y": base64URL(point[49..<97]),
            ],
            sign: { Array(try key.signature(for: $0).rawRepresentation) }, pem: key.publicKey.pemRepresentation)
    }

    static func edDSA(_ id: String?) -> SigningKey {
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
    func token(_ claims: TestClaims, header: String? = nil) throws -> String {
        let kid = id.map { #","kid":"\#($0)""# } ?? ""
        let header = header ?? #"{"alg":"\#(algorithm)","typ":"JWT"\#(kid)}"#
        let signed = "\(base64URL(header.utf8)).\(base64URL(claims.json.utf8))"
        return "\(signed).\(base64URL(try sign(Array(signed.utf8))))"
    }
}

func base64URL(_ bytes: some Sequence<UInt8>) -> String {
    Data(bytes).base64EncodedString().filter { $0 != "=" }.map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 }
        .reduce(into: "") { $0.append($1) }
}

/// The claims of a token, each a piece of JSON.
struct TestClaims {
    var members: [String: String]

    /// Valid for an hour at the time of a new `VirtualClock`.
    init(issuer: String, _ changes: [String: String?] = [:]) {
        members = [
            "iss": #""\#(issuer)""#, "aud": #""crier""#, "sub": #""u-1""#, "exp": "1800003600", "iat": "1800000000",
        ]
        for (name, value) in changes { members[name] = value }
    }

    var json: String { "{" + members.map { "\"\($0.key)\":\($0.value)" }.sorted().joined(separator: ",") + "}" }
}
