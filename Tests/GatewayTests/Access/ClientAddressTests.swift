import NIOCore
import Testing

@testable import Gateway

@Suite struct ClientAddressTests {
    @Test(
        "an address counts as itself, an IPv6 address as its /64",
        arguments: [
            ("192.0.2.1", "192.0.2.1"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8::1", "2001:db8:0:0::/64"),
            ("::ffff:192.0.2.1", "192.0.2.1"), ("::FFFF:c000:201", "192.0.2.1"), ("::1", "0:0:0:0::/64"),
            ("unknown", "unknown"),
            ("1:2", "1:2"), ("", ""),
        ])
    func texts(text: String, description: String) {
        #expect(ClientAddress(text: text).description == description)
    }

    @Test("the addresses of a /64 are one, those of two are two")
    func prefix() {
        #expect(ClientAddress(text: "2001:db8:1:2::1") == ClientAddress(text: "2001:db8:1:2:ffff::"))
        #expect(ClientAddress(text: "2001:db8:1:2::1") != ClientAddress(text: "2001:db8:1:3::1"))
    }

    @Test("a socket's peer counts without its port, and no address is local")
    func sockets() throws {
        #expect(ClientAddress(try SocketAddress(ipAddress: "192.0.2.1", port: 9)).description == "192.0.2.1")
        #expect(ClientAddress(try SocketAddress(ipAddress: "::ffff:192.0.2.1", port: 9)).description == "192.0.2.1")
        #expect(ClientAddress(nil as SocketAddress?).description == "local")
    }
}
