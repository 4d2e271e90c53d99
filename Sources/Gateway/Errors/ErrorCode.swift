/// One kind of refusal: ntfy's shape of a code, its HTTP status and when it is given. `all` is the whole catalogue, from which `/errors` and docs/protocol.md
/// are made.
public struct ErrorCode: Sendable, Hashable {
    /// The HTTP status and two digits more.
    public let number: Int
    public let name: String
    public let meaning: String

    public var status: Int { number / 100 }

    private init(_ number: Int, _ name: String, _ meaning: String) {
        self.number = number
        self.name = name
        self.meaning = meaning
    }

    static let invalidJSON = ErrorCode(
        40001, "invalid JSON", "The body or frame is not strict JSON, or not an object where one is needed.")
    static let invalidField = ErrorCode(
        40002, "invalid field", "A field has the wrong type or a value that it cannot have; the message names it.")
    static let invalidTopic = ErrorCode(40003, "invalid topic", "A topic is `[-_A-Za-z0-9]{1,64}`.")
    static let reservedTopic = ErrorCode(40004, "reserved topic", "The name is a route of the server.")
    static let invalidSince = ErrorCode(
        40005, "invalid since", "`since` is an id, Unix seconds, a duration, `all`, `latest`, `latest:20` or `none`.")
    static let invalidFilter = ErrorCode(40006, "invalid filter", "A filter has a value that no alert can match.")
    static let invalidDelay = ErrorCode(
        40007, "invalid delay", "A delay is a duration or Unix seconds, 1 second to 3 days from now.")
    static let invalidExpiry = ErrorCode(
        40008, "invalid expiry", "An expiry is a duration or Unix seconds in the future.")
    static let invalidKey = ErrorCode(
        40009, "invalid key", "An idempotency key is 1 to 128 printable ASCII characters without blanks.")
    static let invalidRequest = ErrorCode(
        40010, "invalid request", "The request is not valid HTTP, or has a body where none belongs.")
    static let invalidUTF8 = ErrorCode(40011, "invalid UTF-8", "Text has to be UTF-8.")
    static let unsupported = ErrorCode(
        40012, "not supported", "The request asks for something that Crier does not do; the message names it.")
    static let invalidCloudEvent = ErrorCode(
        40013, "invalid CloudEvent", "The event breaks CloudEvents 1.0; the message says where.")
    static let invalidWebhook = ErrorCode(
        40014, "invalid webhook", "The body is not an Alertmanager v4 or Grafana webhook.")
    static let tooManyTopics = ErrorCode(40015, "too many topics", "A socket follows at most `MAX_TOPICS` topics.")
    static let unknownOperation = ErrorCode(40016, "unknown op", "A frame's `op` is none of the protocol's.")
    static let invalidHandshake = ErrorCode(
        40017, "invalid handshake", "The WebSocket handshake breaks RFC 6455; the message says where.")
    static let tooManyAlerts = ErrorCode(40018, "too many alerts", "A batch holds at most 100 alerts.")
    static let unauthorized = ErrorCode(
        40101, "unauthorized",
        "The topic, or the room, is for users who are signed in or for a token, and none or a wrong one was given.")
    static let signInRefused = ErrorCode(
        40102, "sign-in refused", "The password is wrong, or the server takes another way of signing in.")
    static let invalidToken = ErrorCode(
        40103, "invalid token", "A signed token does not verify or has expired; the message says why.")
    static let forbiddenOrigin = ErrorCode(
        40301, "forbidden origin", "The page's origin is not among `ALLOWED_ORIGINS`.")
    static let forbiddenTopic = ErrorCode(
        40302, "forbidden topic", "Who makes the request is known, and may not publish on or read the topic.")
    static let notFound = ErrorCode(40401, "not found", "There is nothing at this path.")
    static let unknownVM = ErrorCode(
        40402, "unknown VM", "The VM or region that the request names is not there, and `AFFINITY_STRICT` is on.")
    static let methodNotAllowed = ErrorCode(
        40501, "method not allowed", "The path takes other methods; `Allow` lists them.")
    static let requestTimeout = ErrorCode(40801, "request timeout", "The request did not arrive in time.")
    static let tooLarge = ErrorCode(41301, "too large", "The body or the text is over its limit; the message names it.")
    static let uriTooLong = ErrorCode(41401, "URI too long", "The request target is over 8 KiB.")
    static let unsupportedMedia = ErrorCode(41501, "unsupported media type", "The data is neither text nor JSON.")
    static let upgradeRequired = ErrorCode(42601, "upgrade required", "The path is a WebSocket's, of version 13.")
    static let publishRate = ErrorCode(
        42901, "too many alerts", "The socket or address publishes faster than its rate.")
    static let handshakeRate = ErrorCode(
        42902, "too many connections", "The address opens connections faster than its rate.")
    static let tooManySockets = ErrorCode(42903, "too many sockets", "The address has as many sockets as it may.")
    static let tooManyPending = ErrorCode(
        42904, "too many requests in flight", "The socket has as many unanswered requests as it may.")
    static let signInRate = ErrorCode(
        42905, "too many sign-ins", "The address tries to sign in faster than it may.")
    static let headersTooLarge = ErrorCode(43101, "headers too large", "The request head is over 16 KiB.")
    static let internalError = ErrorCode(50001, "internal error", "A fault of the server, which has logged it.")
    static let busUnavailable = ErrorCode(
        50301, "bus unavailable", "The bus cannot be reached; repeat with the same key.")
    static let publishQueueFull = ErrorCode(50302, "publish queue full", "More is being published than the bus takes.")
    static let draining = ErrorCode(50303, "leaving", "This server is shutting down; connect again.")
    static let delayedFull = ErrorCode(
        50304, "too many delayed alerts", "As many alerts as may wait for their time do so already.")
    static let atCapacity = ErrorCode(50305, "at capacity", "The server has as many connections as it may.")
    static let issuerUnavailable = ErrorCode(
        50306, "issuer unavailable", "The issuer of the token cannot be asked for its keys now.")

    public static let all: [ErrorCode] = [
        invalidJSON, invalidField, invalidTopic, reservedTopic, invalidSince, invalidFilter, invalidDelay,
        invalidExpiry,
        invalidKey, invalidRequest, invalidUTF8, unsupported, invalidCloudEvent, invalidWebhook, tooManyTopics,
        unknownOperation, invalidHandshake, tooManyAlerts, unauthorized, signInRefused, invalidToken, forbiddenOrigin,
        forbiddenTopic, notFound, unknownVM, methodNotAllowed,
        requestTimeout, tooLarge, uriTooLong, unsupportedMedia, upgradeRequired, publishRate, handshakeRate,
        tooManySockets, tooManyPending, signInRate, headersTooLarge, internalError, busUnavailable, publishQueueFull,
        draining,
        delayedFull, atCapacity, issuerUnavailable,
    ]
}
