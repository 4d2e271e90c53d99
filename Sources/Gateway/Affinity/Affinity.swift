import MessageBus
import NIOCore
import NIOHTTP1

/// Sends requests to the VM that they name, before anything else handles them: a request is decided once, by whoever answers it.
struct Affinity: Sendable {
    /// What a connection does with a request.
    enum Admission: Sendable {
        /// Goes on; the answer carries the change.
        case serve(CookieChange?)
        /// Gives this answer, which is the connection's last, and reads no body.
        case answer(ByteBuffer)
    }

    /// What the platform asks of this VM and no other, whatever cookie it has.
    private static let ownPaths: Set<Substring> = ["/health", "/ready", "/metrics", "/v1/health"]

    private let policy: AffinityPolicy
    private let fleet: FleetWatch
    private let trustsProxy: Bool
    private let metrics: GatewayMetrics

    /// - Returns: `nil` where it is off.
    init?(_ configuration: ServerConfiguration, fleet: FleetWatch, metrics: GatewayMetrics) {
        guard configuration.affinity.isOn else { return nil }
        self.policy = AffinityPolicy(
            vm: configuration.vm.id, region: configuration.vm.region, configuration: configuration.affinity)
        self.fleet = fleet
        self.trustsProxy = configuration.trustedProxy != .none
        self.metrics = metrics
    }

    /// Decides about a request whose head is complete.
    func admission(of head: HTTPRequestHead) -> Admission {
        guard let target = AffinityTarget(head), !Self.ownPaths.contains(head.path) else { return .serve(nil) }
        let decision = policy.decide(target, circumstances(of: head.headers), fleet: fleet.current)
        metrics.decided(decision)
        switch decision {
        case .serve(let change), .fallBack(let change): return .serve(change)
        case .replay(let field, let status): return .answer(Self.replay(field, status))
        case .unknownTarget(let change):
            let error = GatewayError(.unknownVM, "the VM or region that the request names is not there")
            metrics.refused(error.code)
            return .answer(error.carrying(change).response())
        }
    }

    private func circumstances(of headers: HTTPHeaders) -> AffinityPolicy.Circumstances {
        AffinityPolicy.Circumstances(
            isReplayed: headers.contains(name: "fly-replay-src") || headers.contains(name: "fly-replay-failed")
                || headers.contains(name: "fly-preferred-instance-unavailable"),
            hasCookie: AffinityCookie(headers) != nil,
            isSecure: trustsProxy && ForwardedProtocol.isHTTPS(headers["x-forwarded-proto"].last))
    }

    /// The answer that makes the proxy give the request to another VM. No client sees it.
    private static func replay(_ field: String, _ status: Int) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeStatusLine(status, HTTPResponseStatus(statusCode: status).reasonPhrase)
        buffer.writeHeader("fly-replay", field)
        buffer.writeStaticString("Content-Length: 0\r\nConnection: close\r\nCache-Control: no-store\r\n\r\n")
        return buffer
    }
}
