/// How a token may be signed: the asymmetric algorithms of RFC 7518 section 3.1 and RFC 8037.
///
/// There is no case for `none`, and none for the `HS` family: whoever knows a public key must not be able to sign with it.
public enum SigningAlgorithm: String, Sendable, Hashable, CaseIterable {
    case rs256 = "RS256"
    case rs384 = "RS384"
    case rs512 = "RS512"
    case ps256 = "PS256"
    case ps384 = "PS384"
    case ps512 = "PS512"
    case es256 = "ES256"
    case es384 = "ES384"
    case es512 = "ES512"
    case edDSA = "EdDSA"
}
