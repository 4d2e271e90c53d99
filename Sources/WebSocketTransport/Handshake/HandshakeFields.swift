import NIOHTTP1

/// What the opening handshake needs of a request's headers, collected in one pass over their bytes.
struct HandshakeFields {
    private(set) var hosts = 0
    private(set) var upgradesToWebSocket = false
    private(set) var connectionUpgrades = false
    private(set) var versions = 0
    private(set) var isVersion13 = false
    private(set) var keys = 0
    /// The last one, as it came.
    private(set) var key = ""
    /// Whether the subprotocols offered are tokens.
    private(set) var areSubprotocolsTokens = true
    /// The place of the first of the server's subprotocols that the client offered.
    private(set) var preferred: Int?
    /// `nil` where the server does not compress.
    private(set) var negotiation: DeflateNegotiation?

    init(_ headers: HTTPHeaders, subprotocols: [String], compression: Bool) {
        if compression { negotiation = DeflateNegotiation() }
        for (name, value) in headers {
            switch name.utf8.count {
            case 4 where Self.equals(name, "host"): hosts += 1
            case 7 where Self.equals(name, "upgrade"):
                if Self.hasToken("websocket", in: value) { upgradesToWebSocket = true }
            case 10 where Self.equals(name, "connection"):
                if Self.hasToken("upgrade", in: value) { connectionUpgrades = true }
            case 17 where Self.equals(name, "sec-websocket-key"):
                keys += 1
                key = value
            case 21 where Self.equals(name, "sec-websocket-version"):
                versions += 1
                isVersion13 = Self.withBytes(of: value) { HeaderWords.equals(HeaderWords.trimmed($0), "13") }
            case 22 where Self.equals(name, "sec-websocket-protocol"): takeSubprotocols(value, among: subprotocols)
            case 24 where compression && Self.equals(name, "sec-websocket-extensions"):
                Self.withBytes(of: value) { negotiation?.take($0) }
            default: break
            }
        }
    }

    private mutating func takeSubprotocols(_ value: String, among known: [String]) {
        Self.withBytes(of: value) { list in
            HeaderWords.forEachElement(of: list) { element in
                guard HeaderWords.isToken(element) else {
                    areSubprotocolsTokens = false
                    return
                }
                guard let place = known.firstIndex(where: { $0.utf8.elementsEqual(element) }) else { return }
                preferred = min(preferred ?? place, place)
            }
        }
    }

    static func hasToken(_ token: StaticString, in value: String) -> Bool {
        withBytes(of: value) { HeaderWords.hasToken(token, in: $0) }
    }

    static func withBytes<Result>(of text: String, _ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        var text = text
        return text.withUTF8(body)
    }

    private static func equals(_ name: String, _ text: StaticString) -> Bool {
        withBytes(of: name) { HeaderWords.equals($0, text) }
    }
}
