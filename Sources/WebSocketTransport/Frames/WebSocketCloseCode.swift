/// The status code of a close frame (RFC 6455 section 7.4, and the IANA registry it opens).
public struct WebSocketCloseCode: RawRepresentable, Hashable, Sendable {
    public let rawValue: UInt16

    public init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    /// The purpose of the connection is fulfilled.
    public static let normal = Self(rawValue: 1000)
    /// The endpoint goes away: a server shuts down, a page is left.
    public static let goingAway = Self(rawValue: 1001)
    /// The peer broke the framing rules.
    public static let protocolError = Self(rawValue: 1002)
    /// The peer sent a kind of message that is not accepted here.
    public static let unsupportedData = Self(rawValue: 1003)
    /// Never on the wire: stands for a close frame that carried no code.
    public static let noStatus = Self(rawValue: 1005)
    /// The payload does not fit its type, such as text that is not UTF-8.
    public static let invalidPayload = Self(rawValue: 1007)
    /// A rule of the endpoint was broken for which no other code fits.
    public static let policyViolation = Self(rawValue: 1008)
    /// A message is larger than the endpoint takes.
    public static let messageTooBig = Self(rawValue: 1009)
    /// The server met a condition that it did not expect.
    public static let internalError = Self(rawValue: 1011)
    /// The server restarts; the client may come back.
    public static let serviceRestart = Self(rawValue: 1012)
    /// The server is overloaded; the client may come back later.
    public static let tryAgainLater = Self(rawValue: 1013)
    /// The reader did not take its bytes in time (private use).
    public static let slowReader = Self(rawValue: 4008)
    public static let signedOut = Self(rawValue: 4401)
    /// The peer answered no ping (private use).
    public static let noPong = Self(rawValue: 4012)
    /// The peer sent too often (private use).
    public static let rateLimited = Self(rawValue: 4029)

    /// Whether the code is allowed inside a close frame (RFC 6455 section 7.4).
    ///
    /// 1004 is reserved, 1005, 1006 and 1015 are for local reporting, 1016 to 2999 are unassigned, and there is nothing outside
    /// 1000 to 4999.
    public var mayBeSent: Bool {
        switch rawValue {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }
}
