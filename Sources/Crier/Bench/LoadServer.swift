import NIOCore
import Reactor

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A server as the sockets of a load run reach it.
struct LoadServer: Sendable {
    let url: ServerURL
    /// What it is called in the `Host` field.
    let authority: String
    let port: Int
    /// What its paths begin with: nothing, or `/` and more.
    let prefix: String
    /// The address that answered.
    private(set) var address: SocketAddress?

    /// Sockets that one local address gets. The system has about 28,000 ports for it, and the more of them are taken the longer it looks
    /// for one.
    private static let socketsAnAddress = 4000
    private static let patience = TimeAmount.seconds(5)

    /// - Parameter url: an `http` address.
    init(_ url: ServerURL) {
        self.url = url
        let rest = url.description.dropFirst("http://".count)
        authority = String(rest.prefix { $0 != "/" })
        prefix = String(rest.dropFirst(authority.count))
        port = Self.portDigits(of: authority).flatMap { Int($0) } ?? 80
    }

    /// The name or address, without brackets.
    var host: String {
        let host = Self.portDigits(of: authority).map { authority.dropLast($0.count + 1) } ?? authority[...]
        return host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : String(host)
    }

    private static func portDigits(of authority: String) -> Substring? {
        guard let colon = authority.lastIndex(of: ":"), !authority[colon...].contains("]") else { return nil }
        return authority[authority.index(after: colon)...]
    }

    /// Finds out which of the addresses of its name answers.
    func reached(from loop: ReactorLoop) async throws(LoadFailure) -> LoadServer {
        guard (1...65_535).contains(port) else { throw LoadFailure(description: "\(url) has no valid port") }
        let addresses = addresses()
        guard !addresses.isEmpty else { throw LoadFailure(description: "no address found for \(host)") }
        var failure = ""
        for address in addresses {
            switch await Self.try(address, from: loop) {
            case nil:
                var found = self
                found.address = address
                return found
            case let error?: failure = Self.explanation(of: error, url)
            }
        }
        throw LoadFailure(description: failure)
    }

    private static func `try`(_ address: SocketAddress, from loop: ReactorLoop) async -> SocketError? {
        await withCheckedContinuation { continuation in
            loop.execute {
                SocketConnector.connect(to: address, within: patience, on: loop) { result in
                    switch result {
                    case .success(let descriptor):
                        _ = close(descriptor)
                        continuation.resume(returning: nil)
                    case .failure(let error): continuation.resume(returning: error)
                    }
                }
            }
        }
    }

    private func addresses() -> [SocketAddress] {
        var hints = addrinfo()
        #if canImport(Musl)
            hints.ai_socktype = SOCK_STREAM
        #else
            hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        #endif
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, String(port), &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var found: [SocketAddress] = []
        var next = list
        while let info = next?.pointee {
            next = info.ai_next
            guard let address = info.ai_addr else { continue }
            let raw = UnsafeRawPointer(address)
            switch info.ai_family {
            case AF_INET: found.append(SocketAddress(raw.loadUnaligned(as: sockaddr_in.self), host: host))
            case AF_INET6: found.append(SocketAddress(raw.loadUnaligned(as: sockaddr_in6.self), host: host))
            default: break
            }
        }
        return found
    }

    /// Where the socket of that number connects from: on this machine one of several addresses, so that their ports suffice for all.
    func source(ofSocket index: Int, of sockets: Int) -> SocketAddress? {
        let count = (sockets + Self.socketsAnAddress - 1) / Self.socketsAnAddress
        guard count > 1, let ip = address?.ipAddress, ip.hasPrefix("127.") else { return nil }
        return try? SocketAddress(ipAddress: "127.0.0.\(1 + index % min(count, 250))", port: 0)
    }

    /// The request by which a socket begins.
    func request(_ path: String, form: LoadPlan.Form) -> ByteBuffer {
        var text = "GET \(prefix)\(path) HTTP/1.1\r\nHost: \(authority)\r\nUser-Agent: crier\r\n"
        switch form {
        case .ws:
            text +=
                "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Key: \(HandshakeAnswer.key)\r\nSec-WebSocket-Version: 13\r\n"
        case .sse: text += "Accept: text/event-stream\r\n"
        }
        return ByteBuffer(string: text + "\r\n")
    }

    /// Why there is no connection, and what can be done about it.
    static func explanation(of error: SocketError, _ url: ServerURL) -> String {
        let failure = "cannot connect to \(url) (\(error))"
        return switch error.code {
        case EMFILE, ENFILE: failure + ": raise the limit of open files with ulimit -n"
        case EADDRNOTAVAIL:
            failure + ": this machine has no port left towards that address. Widen net.ipv4.ip_local_port_range, "
                + "or spread the sockets over several addresses of the server with more --server"
        default: failure
        }
    }

    /// Why the server does not take a socket or an alert, and what can be done about it.
    static func explanation(of refusal: ServerRefusal, _ what: String, _ url: ServerURL) -> String {
        let failure = "\(url) refused \(what): \(refusal.message)"
        if refusal.status == 429 { return failure + ". Its limits are on: start it with RATE_LIMITS=off" }
        if refusal.status == 401 {
            return failure + ". bench publishes without a token: start it without PUBLISH_TOKEN"
        }
        return failure
    }
}
