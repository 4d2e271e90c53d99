import CrierTesting
import NIOConcurrencyHelpers

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Ports for servers that are stopped and started again on the same port.
///
/// They are taken from below the range that the system takes ports of outgoing connections from (32768 on), so that none is taken while its server is
/// down.
enum LoopbackPorts {
    private static let next = NIOLockedValueBox(Int.random(in: 20_000..<31_000))

    static func free() throws -> Int {
        for _ in 0..<1000 {
            let port = next.withLockedValue { port in
                port = port >= 31_999 ? 20_000 : port + 1
                return port
            }
            if isFree(port) { return port }
        }
        throw ServerProcess.Failure("no free port between 20000 and 32000")
    }

    private static func isFree(_ port: Int) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
