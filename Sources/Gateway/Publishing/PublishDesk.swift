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
    }

    /// Checks who publishes and counts one alert of its address.
    ///
    /// - Parameter peer: the other end of the connection.
    func admit(_ visitor: Visitor, from peer: @autoclosure () -> SocketAddress?) throws(GatewayError) -> ClientAddress {
        try context.refuseWhenLeaving()
        try context.checkOrigin(visitor.origin, host: visitor.host)
        try authorize(visitor.fields)
        let address = context.address(of: peer()) { visitor.fields.lastHeader($0) }
        try context.addresses.admitAlerts(from: address)
        return address
    }

    private func authorize(_ fields: RequestFields) throws(GatewayError) {
        guard context.configuration.publishToken.isSet else { return }
        let token =
            PublishToken.token(inAuthorization: fields.header("authorization"))
            ?? PublishToken.token(inQuery: fields.value(["auth"]))
        guard context.configuration.publishToken.accepts(token) else {
            throw GatewayError(
                .unauthorized,
                token == nil ? "publishing needs a token: Authorization: Bearer …" : "the token is wrong")
        }
    }

    /// The name that the alert's readers see.
    func sender(at address: ClientAddress) -> String {
        context.configuration.publishToken.isSet ? SenderNames.publisher : context.senders.guest(at: address)
    }

    /// Reads a plain request.
    func read(
        _ request: PublishRequest, body: [UInt8], from peer: @autoclosure () -> SocketAddress?
    ) throws(GatewayError) -> (alert: AlertRequest, sender: String) {
        let fields = RequestFields(request.head)
        let headers = request.head.headers
        let address = try admit(
            Visitor(fields: fields, origin: headers.first(name: "origin"), host: headers.first(name: "host")),
            from: peer())
        let input = PublishInput(topic: request.topic, fields: fields, body: body, now: context.clock.now())
        let alerts = try context.intake.read(input).requests
        guard alerts.count == 1, let alert = alerts.first else {
            throw GatewayError(.internalError, "a request that is no batch asks for \(alerts.count) alerts")
        }
        return (alert, sender(at: address))
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
