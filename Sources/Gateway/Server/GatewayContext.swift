import Broadcasting
import HTTPTypes
import Logging
import MessageBus
import NIOCore
import NIOHTTP1
import Synchronization

/// What every connection of the gateway works with.
final class GatewayContext: Sendable {
    let configuration: ServerConfiguration
    let hub: Hub
    let publisher: Publisher
    let intake: PublishIntake
    let readLimits: ReadLimits
    let addresses: AddressLimits
    let senders = SenderNames()
    let rights: TopicRights
    let identities: Identities
    let sessionSockets = SessionSockets()
    let presence: PresenceBook
    let deployment: Deployment
    let signIns: SignInLimits
    let requests = OpenRequests()
    let clock: WallClock
    let metrics: GatewayMetrics
    let fleet: FleetWatch
    let logger: Logger
    private let affinity: Affinity?
    private let leaving = Atomic(false)

    init(
        configuration: ServerConfiguration, hub: Hub, publisher: Publisher, identities: Identities,
        presence: PresenceBook, deployment: Deployment, clock: WallClock, metrics: GatewayMetrics, logger: Logger
    ) {
        self.configuration = configuration
        self.hub = hub
        self.publisher = publisher
        self.rights = configuration.rights
        self.identities = identities
        self.presence = presence
        self.deployment = deployment
        self.signIns = SignInLimits(isOn: configuration.hasRateLimits)
        self.intake = PublishIntake(limits: IntakeLimits(text: configuration.maximumText))
        self.readLimits = ReadLimits(topics: configuration.maximumTopics)
        self.addresses = AddressLimits(
            configuration.hasRateLimits
                ? AddressLimits.Limits(
                    alerts: configuration.addressRate, handshakes: configuration.handshakeRate,
                    sockets: configuration.addressSockets) : nil)
        self.clock = clock
        self.metrics = metrics
        self.fleet = FleetWatch(hub)
        self.affinity = Affinity(configuration, fleet: fleet, metrics: metrics)
        self.logger = logger
    }

    /// Set once the VM leaves: nobody new is let in, and HTTP connections end after their response.
    var isLeaving: Bool { leaving.load(ordering: .relaxed) }

    func leave() { leaving.store(true, ordering: .relaxed) }

    /// Whether a request is this VM's to serve. Asked once for each, by whoever answers it, before anything else is done with it.
    func admission(of head: HTTPRequestHead) -> Affinity.Admission { affinity?.admission(of: head) ?? .serve(nil) }

    /// Whether requests go to the VM that they name.
    var hasAffinity: Bool { affinity != nil }

    /// Whether some VM serves a room.
    func serves(_ room: Room) -> Bool {
        switch room.kind {
        case .region(let code): fleet.current.hasVM(in: code)
        case .vm(let id): fleet.current.isAlive(id)
        }
    }

    /// Whom a request comes from: the socket's peer, or whom the trusted proxy names.
    ///
    /// - Parameters:
    ///   - peer: the other end of the connection, looked up only where it counts.
    ///   - header: the request's last value of a header, named in lower case: a proxy adds its own after what the client sent.
    func address(of peer: @autoclosure () -> ClientAddress, header: (String) -> String?) -> ClientAddress {
        switch configuration.trustedProxy {
        case .none: break
        case .fly: if let text = header("fly-client-ip") { return ClientAddress(text: text.trimmingBlanks()) }
        case .forwarded:
            if let last = header("x-forwarded-for")?.split(separator: ",").last {
                return ClientAddress(text: last.trimmingBlanks())
            }
        }
        return peer()
    }

    /// Whether whoever makes a request came by HTTPS, as far as the trusted proxy says. Crier itself speaks plain HTTP.
    ///
    /// - Parameter header: the request's last value of a header, named in lower case.
    func isSecure(header: (String) -> String?) -> Bool {
        configuration.trustedProxy != .none && ForwardedProtocol.isHTTPS(header("x-forwarded-proto"))
    }

    /// Does what another VM, or this one, told all.
    func heard(_ notice: ControlNotice) {
        switch notice {
        case .lost:
            sessionSockets.check()
            presence.refresh()
        case .alert(let alert):
            switch DeploymentNotice(alert.draft.content.message) {
            case .sessionEnded(let key): sessionSockets.end(key)
            case .presenceChanged: presence.refresh()
            case nil: break
            }
        }
    }

    /// Refuses requests of pages whose origin is not allowed.
    func checkOrigin(_ origin: String?, host: String?) throws(GatewayError) {
        guard configuration.allowedOrigins.allows(origin, host: host) else {
            throw GatewayError(.forbiddenOrigin, "pages of the origin \(origin ?? "") may not use this server")
        }
    }

    func refuseWhenLeaving() throws(GatewayError) {
        if isLeaving { throw GatewayError(.draining, "this server is shutting down", retryAfter: 1) }
    }
}
