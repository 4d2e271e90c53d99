/// The claims of a token, each a piece of JSON.
public struct TestClaims: Sendable {
    public var members: [String: String]

    /// Valid for an hour at the time of a new `VirtualClock`.
    public init(issuer: String, _ changes: [String: String?] = [:]) {
        members = [
            "iss": #""\#(issuer)""#, "aud": #""crier""#, "sub": #""u-1""#, "exp": "1800003600", "iat": "1800000000",
        ]
        for (name, value) in changes { members[name] = value }
    }

    public var json: String { "{" + members.map { "\"\($0.key)\":\($0.value)" }.sorted().joined(separator: ",") + "}" }
}
