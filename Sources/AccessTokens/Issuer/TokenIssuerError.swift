/// Why an issuer cannot be configured like this.
public enum TokenIssuerError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The issuer is empty, or its keys are to be discovered and it is no URL to ask.
    case issuer
    case audience
    /// The URL of the keys is none to ask.
    case keys
    case algorithms

    public var description: String {
        switch self {
        case .issuer: "the issuer is not an https:// URL (http:// is for loopback only) without a query"
        case .audience: "the audience is empty"
        case .keys: "the URL of the issuer's keys is not an https:// URL (http:// is for loopback only)"
        case .algorithms: "no algorithm is allowed"
        }
    }
}
