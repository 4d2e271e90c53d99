import JWTKit
import StrictJSON

/// The numbers of a public key, in base64url as they were served (RFC 7518 section 6, RFC 8037 section 2).
enum PublicKeyMaterial: Sendable, Hashable {
    case rsa(modulus: String, exponent: String)
    case curve(EllipticCurve, x: String, y: String)
    case ed25519(x: String)

    enum EllipticCurve: String, Sendable {
        case p256 = "P-256"
        case p384 = "P-384"
        case p521 = "P-521"

        var coordinateBytes: Int {
            switch self {
            case .p256: 32
            case .p384: 48
            case .p521: 66
            }
        }
    }

    /// From 2,048 bits on; more than 8,192 would make each verification a burden.
    private static let modulusBytes = 256...1025
    private static let exponentBytes = 1...4

    /// - Returns: `nil` where it is no public key of a known kind, or not a well-formed one.
    init?(_ key: JSONObject) {
        switch key["kty"]?.stringValue {
        case "RSA":
            guard let modulus = Self.number("n", of: key, bytes: Self.modulusBytes),
                let exponent = Self.number("e", of: key, bytes: Self.exponentBytes)
            else { return nil }
            self = .rsa(modulus: modulus, exponent: exponent)
        case "EC":
            guard let curve = key["crv"]?.stringValue.flatMap(EllipticCurve.init),
                let x = Self.number("x", of: key, bytes: curve.coordinateBytes...curve.coordinateBytes),
                let y = Self.number("y", of: key, bytes: curve.coordinateBytes...curve.coordinateBytes)
            else { return nil }
            self = .curve(curve, x: x, y: y)
        case "OKP":
            guard key["crv"]?.stringValue == "Ed25519", let x = Self.number("x", of: key, bytes: 32...32)
            else { return nil }
            self = .ed25519(x: x)
        default: return nil
        }
    }

    private static func number(_ name: String, of key: JSONObject, bytes: ClosedRange<Int>) -> String? {
        guard let text = key[name]?.stringValue, let decoded = Base64URL.decode(Array(text.utf8)),
            bytes.contains(decoded.count)
        else { return nil }
        return text
    }

    /// Whether such a key can make a signature of this algorithm.
    func fits(_ algorithm: SigningAlgorithm) -> Bool {
        switch (self, algorithm) {
        case (.rsa, .rs256), (.rsa, .rs384), (.rsa, .rs512), (.rsa, .ps256), (.rsa, .ps384), (.rsa, .ps512),
            (.curve(.p256, _, _), .es256), (.curve(.p384, _, _), .es384), (.curve(.p521, _, _), .es512),
            (.ed25519, .edDSA):
            true
        default: false
        }
    }

    /// The key in the library's words.
    func webKey(for algorithm: JWK.Algorithm, id: JWKIdentifier) -> JWK {
        switch self {
        case .rsa(let modulus, let exponent):
            .rsa(algorithm, identifier: id, modulus: modulus, exponent: exponent)
        case .curve(let curve, let x, let y):
            .ecdsa(algorithm, identifier: id, x: x, y: y, curve: ECDSACurve(rawValue: curve.rawValue))
        case .ed25519(let x):
            .octetKeyPair(algorithm, identifier: id, x: x, y: nil, curve: .ed25519)
        }
    }
}
