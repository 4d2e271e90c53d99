extension RedisURL {
    private static let port = 6379
    private static let sentinelPort = 26379

    /// Reads a URL.
    init(_ text: String) throws(RedisURLError) {
        let parts = try Parts(text)
        switch parts.scheme {
        case "redis", "rediss":
            guard !parts.hosts.contains(",") else { throw .host }
            location = .server(try Self.endpoint(parts.hosts, defaultPort: Self.port))
            database = try Self.database(parts.path)
            isEncrypted = parts.scheme == "rediss"
            certificates = try parts.parameter(isEncrypted ? "ca" : nil)
        case "unix":
            guard parts.hosts.isEmpty, !parts.path.isEmpty, let path = Self.decoded(parts.path) else { throw .path }
            location = .server(.unix(path: path))
            database = try Self.database(Substring(try parts.parameter("db") ?? ""))
        case "redis+sentinel":
            var endpoints: [RedisEndpoint] = []
            for host in parts.hosts.split(separator: ",", omittingEmptySubsequences: false) {
                endpoints.append(try Self.endpoint(host, defaultPort: Self.sentinelPort))
            }
            let path = parts.path.dropFirst().split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = path.first, !name.isEmpty, let master = Self.decoded(name) else { throw .master }
            location = .sentinels(endpoints, master: master)
            database = try Self.database(path.count > 1 ? path[1] : "")
            _ = try parts.parameter(nil)
        default: throw .scheme
        }
        user = parts.user
        password = parts.password
    }

    /// What the punctuation of a URL separates.
    private struct Parts {
        let scheme: String
        var user: String?
        var password: String?
        let hosts: Substring
        /// With the slash that it begins with.
        let path: Substring
        private let query: Substring

        init(_ text: String) throws(RedisURLError) {
            guard let mark = text.firstRange(of: "://") else { throw .scheme }
            scheme = text[..<mark.lowerBound].lowercased()
            let rest = text[mark.upperBound...]
            // An "@" may stand in a password that was not encoded; a host has none.
            let authorityEnd = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
            var authority = rest[..<authorityEnd]
            if let at = authority.lastIndex(of: "@") {
                let credentials = authority[..<at].split(
                    separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
                guard let user = RedisURL.decoded(credentials[0]) else { throw .credentials }
                self.user = user.isEmpty ? nil : user
                if credentials.count > 1 {
                    guard let password = RedisURL.decoded(credentials[1]) else { throw .credentials }
                    self.password = password
                }
                authority = authority[authority.index(after: at)...]
            }
            hosts = authority
            let pathEnd = rest[authorityEnd...].firstIndex(of: "?") ?? rest.endIndex
            path = rest[authorityEnd..<pathEnd]
            query = rest[pathEnd...].dropFirst()
            if user != nil, password == nil { throw .credentials }
        }

        /// The value of the one parameter that may be there.
        func parameter(_ allowed: String?) throws(RedisURLError) -> String? {
            var value: String?
            for pair in query.split(separator: "&") {
                let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                let name = String(parts[0])
                guard name == allowed, parts.count == 2, let decoded = RedisURL.decoded(parts[1]), !decoded.isEmpty
                else { throw .parameter(name) }
                value = decoded
            }
            return value
        }
    }

    private static func endpoint(_ text: Substring, defaultPort: Int) throws(RedisURLError) -> RedisEndpoint {
        var host = text
        var rest = Substring()
        if text.first == "[" {
            guard let end = text.firstIndex(of: "]") else { throw .host }
            host = text[text.index(after: text.startIndex)..<end]
            rest = text[text.index(after: end)...]
            guard host.contains(":"), host.allSatisfy({ $0.isHexDigit || $0 == ":" || $0 == "." }) else { throw .host }
        } else if let colon = text.firstIndex(of: ":") {
            host = text[..<colon]
            rest = text[colon...]
        }
        guard !host.isEmpty, let name = decoded(host), !name.contains(where: \.isWhitespace) else { throw .host }
        guard rest.isEmpty || rest.first == ":" else { throw .host }
        if rest.isEmpty { return .tcp(host: name, port: defaultPort) }
        guard let port = number(rest.dropFirst()), port > 0 else { throw .port }
        return .tcp(host: name, port: port)
    }

    private static func database(_ path: Substring) throws(RedisURLError) -> Int {
        let digits = path.first == "/" ? path.dropFirst() : path
        if digits.isEmpty { return 0 }
        guard let number = number(digits) else { throw .database }
        return number
    }

    /// Digits alone, up to 65,535.
    private static func number(_ digits: Substring) -> Int? {
        guard digits.allSatisfy({ $0.isASCII && $0.isWholeNumber }), let number = Int(digits), number <= 65_535
        else { return nil }
        return number
    }

    /// - Returns: `nil` where a “%” has no two hexadecimal digits, or the bytes are not UTF-8.
    private static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(hexadecimal), let low = rest.popFirst().flatMap(hexadecimal)
            else { return nil }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}
