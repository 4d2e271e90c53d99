/// What a proxy says of how a request came to it: `X-Forwarded-Proto`.
enum ForwardedProtocol {
    /// By the last of what proxies have said, as with addresses.
    ///
    /// - Parameter value: the header's last line.
    static func isHTTPS(_ value: String?) -> Bool {
        value?.split(separator: ",").last?.trimmingBlanks().lowercased() == "https"
    }
}
