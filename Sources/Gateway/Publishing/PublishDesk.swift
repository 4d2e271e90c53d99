import HTTPTypes
import MessageBus
import NIOCore
import NIOHTTP1
import StrictJSON

/// Publishing over HTTP apart from its transport: who may, what a request asks for, and what it is answered. The framework's routes and the plain
/// connections of the event loops share it.
struct PublishDesk {
    let context: GatewayContext

    /// What a request says besides its body.
    struct Visitor {
        let fields: RequestFields
        let origin: String?
        let host: String?

        init(fields: RequestFields, origin: String?, host: String?) {
            self.fields = fields
            self.origin = origin
            self.host = host
        }

        init(_ head: HTTPRequestHead) {
            self.init(
                fields: RequestFields(head), origin: head.headers.first(name: "origin"),
                host: head.headers.first(name: "host"))
        }

        /// What it says of who makes it.
        var credentials: Credentials { Credentials(fields) }
    }

    /// Checks who publishes and counts one alert of its address.
    ///
    /// - Parameter peer: the other end of the connection.
    func admit(_ visitor: Visitor, from peer: @autoclosure () -> ClientAddress) throws(GatewayError) -> ClientAddress {
        try context.refuseWhenLeaving()
        try context.checkOrigin(visitor.origin, host: visitor.host)
        let address = context.address(of: peer()) { visitor.fields.lastHeader($0) }
        try context.addresses.admitAlerts(from: address)
        return address
    }

    /// Checks that someone may publish on a topic.
    ///
    /// - Parameter topic: as the path has it, before anything is read of the body; one that is none is refused elsewhere.
    func checkRight(on topic: String?, of identity: Identity) throws(GatewayError) {
        guard let topic = topic.flatMap(Topic.init) else { return try context.rights.checkPublishing(by: identity) }
        try context.rights.checkPublishing(on: topic, by: identity)
    }

    /// Checks that someone may raise alerts.
    func checkRights(of identity: Identity, to alerts: [AlertRequest]) throws(GatewayError) {
        for alert in alerts { try context.rights.checkPublishing(on: alert.topic, by: identity) }
    }

    /// Reads a plain request that was admitted.
    func read(
        _ request: PublishRequest, _ visitor: Visitor, body: [UInt8], of identity: Identity, from address: ClientAddress
    ) throws(GatewayError) -> (alert: AlertRequest, sender: String) {
        try checkRight(on: request.topic, of: identity)
        let input = PublishInput(topic: request.topic, fields: visitor.fields, body: body, now: context.clock.now())
        let alerts = try context.intake.read(input).requests
        guard alerts.count == 1, let alert = alerts.first else {
            throw GatewayError(.internalError, "a request that is no batch asks for \(alerts.count) alerts")
        }
        try checkRights(of: identity, to: alerts)
        return (alert, context.senders.name(of: identity, at: address))
    }

    /// The answer's body.
    static func body(_ outcomes: [Publisher.Outcome], isBatch: Bool) -> [UInt8] {
        var json = JSONWriter(reservingCapacity: 512)
        if isBatch { json.beginArray() }
        for outcome in outcomes { outcome.writeAnswer(to: &json) }
        if isBatch { json.endArray() }
        return json.bytes + [UInt8(ascii: "\n")]
    }

    /// The answer's headers besides those that every response has.
    func headers(origin: String?) -> HTTPFields {
        var headers = CORS.headers(origin: origin, policy: context.configuration.allowedOrigins)
        headers[.contentType] = "application/json"
        headers[.cacheControl] = "no-store"
        return headers
    }

    /// The whole answer to a plain request.
    func response(to request: PublishRequest, _ outcome: Result<Publisher.Outcome, GatewayError>) -> ByteBuffer {
        let origin = request.head.headers.first(name: "origin")
        switch outcome {
        case .success(let outcome):
            var headers = headers(origin: origin)
            if let change = request.cookieChange { headers.carry(change) }
            return PlainResponse.bytes(
                status: .ok, headers: headers, body: Self.body([outcome], isBatch: false),
                isLast: request.isLast)
        case .failure(let error):
            context.metrics.refused(error.code)
            let host = request.head.headers.first(name: "host")
            var headers = ErrorAnswer.headers(
                error, origin: origin, host: host, origins: context.configuration.allowedOrigins)
            if let change = request.cookieChange { headers.carry(change) }
            return PlainResponse.bytes(
                status: .init(code: error.code.status), headers: headers, body: error.body, isLast: request.isLast)
        }
    }
}
