#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The address at the other end of a connection, as numbers: what costs nothing to make and to compare.
public enum PeerAddress: Hashable, Sendable {
    /// An IPv4 address, also one that came as IPv6 (RFC 4291 section 2.5.5.2).
    case v4(UInt32)
    /// An IPv6 address, its upper and its lower half.
    case v6(UInt64, UInt64)

    private init(_ address: in_addr) { self = .v4(UInt32(bigEndian: address.s_addr)) }

    private init(_ address: in6_addr) {
        let (upper, lower) = withUnsafeBytes(of: address) {
            (
                UInt64(bigEndian: $0.loadUnaligned(as: UInt64.self)),
                UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
        let isMapped = upper == 0 && lower >> 32 == 0xFFFF
        self = isMapped ? .v4(UInt32(truncatingIfNeeded: lower)) : .v6(upper, lower)
    }

    /// Reads an address as people write it.
    ///
    /// - Returns: `nil` where `text` is none.
    public init?(text: String) {
        var short = in_addr()
        var long = in6_addr()
        if inet_pton(AF_INET, text, &short) == 1 {
            self.init(short)
        } else if inet_pton(AF_INET6, text, &long) == 1 {
            self.init(long)
        } else {
            return nil
        }
    }

    /// The peer of a connected socket; `nil` where it has none, or is of another family.
    init?(of descriptor: CInt) {
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getpeername(descriptor, $0, &size) }
        }
        guard result == 0 else { return nil }
        let address: PeerAddress? = withUnsafePointer(to: storage) { pointer in
            switch CInt(storage.ss_family) {
            case AF_INET:
                pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { PeerAddress($0.pointee.sin_addr) }
            case AF_INET6:
                pointer.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { PeerAddress($0.pointee.sin6_addr) }
            default: nil
            }
        }
        guard let address else { return nil }
        self = address
    }
}
