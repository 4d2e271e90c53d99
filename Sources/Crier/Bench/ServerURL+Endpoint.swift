extension ServerURL {
    /// Host and port of an `http` address, as a socket connects to them.
    var endpoint: (host: String, port: Int) {
        let authority = description.dropFirst("http://".count).prefix { $0 != "/" }
        guard let colon = authority.lastIndex(of: ":"), let port = Int(authority[authority.index(after: colon)...])
        else {
            return (Self.unbracketed(authority), 80)
        }
        return (Self.unbracketed(authority[..<colon]), port)
    }

    private static func unbracketed(_ host: Substring) -> String {
        host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : String(host)
    }
}
