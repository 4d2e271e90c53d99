import NIOCore
import Reactor

/// Whom a limit counts: an IPv4 address, an IPv6 /64, or everyone on a unix socket.
public struct ClientAddress: Hashable, Sendable, CustomStringConvertible {
    private enum Network: Hashable {
        case v4(UInt32)
        /// The upper half of the addresses.
        case v6(UInt64)
        case other(String)
    }

    private let network: Network

    /// - Parameter peer: `nil`: everyone whose address is not known.
    init(_ peer: PeerAddress?) {
        network =
            switch peer {
            case .v4(let address): .v4(address)
            case .v6(let upper, _): .v6(upper)
            case nil: .other("local")
            }
    }

    init(_ address: SocketAddress?) {
        self = address?.ipAddress.map(ClientAddress.init(text:)) ?? ClientAddress(nil as PeerAddress?)
    }

    /// Reads an address as text, as a proxy's header carries it; what is no address counts as itself.
    public init(text: String) {
        self = PeerAddress(text: text).map { ClientAddress($0) } ?? ClientAddress(.other(text))
    }

    private init(_ network: Network) { self.network = network }

    public var description: String {
        switch network {
        case .v4(let address):
            stride(from: 24, through: 0, by: -8).map { String(address >> UInt32($0) & 0xFF) }.joined(separator: ".")
        case .v6(let upper):
            stride(from: 48, through: 0, by: -16).map { String(upper >> UInt64($0) & 0xFFFF, radix: 16) }
                .joined(separator: ":") + "::/64"
        case .other(let text): text
        }
    }
}
