import JWTKit

/// A public key, ready to verify signatures of one algorithm.
struct VerificationKey: Sendable {
    let material: PublicKeyMaterial
    private let algorithm: any JWTAlgorithm

    /// - Returns: `nil` where the numbers are no such key.
    init?(_ material: PublicKeyMaterial, for algorithm: SigningAlgorithm) async {
        // The library makes its verifiers inside a collection of keys. Each has its own, so that it falls back to no other key.
        let id = JWKIdentifier(string: "key")
        let collection = JWTKeyCollection()
        guard material.fits(algorithm), let name = JWK.Algorithm(rawValue: algorithm.rawValue),
            (try? await collection.add(jwk: material.webKey(for: name, id: id))) != nil,
            let verifier = try? await collection.getKey(for: id, alg: algorithm.rawValue),
            verifier.name == algorithm.rawValue
        else { return nil }
        self.material = material
        self.algorithm = verifier
    }

    func isValid(_ signature: [UInt8], of bytes: [UInt8]) -> Bool {
        // An error is a signature that is not even of the algorithm's form.
        (try? algorithm.verify(signature, signs: bytes)) == true
    }
}
