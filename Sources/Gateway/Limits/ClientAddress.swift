import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Whom a limit counts: an IPv4 address, an IPv6 /64, or everyone on a unix socket.
public struct ClientAddress: Hashable, Sendable, CustomStringConvertible {
    public let description: String

    init(_ address: SocketAddress?) {
        self.init(text: address?.ipAddress ?? "local")
    }

    /// Reads an address as text, as a proxy's header carries it; what is no address counts as itself.
    public init(text: String) {
        var address = in6_addr()
        guard text.contains(":"), inet_pton(AF_INET6, text, &address) == 1 else {
            self.description = text
            return
        }
        let bytes = withUnsafeBytes(of: address) { Array($0) }
        if bytes[0..<10].allSatisfy({ $0 == 0 }) && bytes[10] == 0xFF && bytes[11] == 0xFF {
            self.description = bytes[12...].map(String.init).joined(separator: ".")
        } else {
            let groups = stride(from: 0, to: 8, by: 2).map {
                String(Int(bytes[$0]) << 8 | Int(bytes[$0 + 1]), radix: 16)
            }
            self.description = groups.joined(separator: ":") + "::/64"
        }
    }
}
