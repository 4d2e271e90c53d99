import HTTPTypes
import Hummingbird
import MessageBus
import NIOCore

/// Publishing over HTTP: ntfy's forms, CloudEvents and Alertmanager's webhook.
struct PublishRoutes {
    let context: GatewayContext

    func add(to router: Router<GatewayRequestContext>) {
        for method in [HTTPRequest.Method.post, .put] {
            router.on("/", method: method) { request, requestContext in
                try await publish(request, requestContext, topic: nil, context.intake.read)
            }
            router.on("/:topic", method: method) { request, requestContext in
                try await publish(
                    request, requestContext, topic: requestContext.parameters.get("topic"), context.intake.read)
            }
        }
        for trigger in ["publish", "send", "trigger"] {
            router.get("/:topic/\(trigger)") { request, requestContext in
                try await publish(
                    request, requestContext, topic: requestContext.parameters.get("topic"), context.intake.read)
            }
        }
        router.post("/:topic/alertmanager") { request, requestContext in
            try await publish(
                request, requestContext, topic: requestContext.parameters.get("topic"),
                AlertmanagerIntake(context.intake).read)
        }
        for path in ["/", "/:topic", "/:topic/alertmanager"] {
            router.on("\(path)", method: .options) { request, _ in preflight(request) }
        }
    }

    private func publish(
        _ request: Request, _ requestContext: GatewayRequestContext, topic: String?,
        _ read: (PublishInput) throws(GatewayError) -> PublishIntake.Result
    ) async throws -> Response {
        // The framework answers HEAD where it answers GET, but nothing may be raised by it.
        guard request.method != .head else { throw ErrorMiddleware.noRoute(request) }
        let desk = PublishDesk(context: context)
        let fields = RequestFields(request.head)
        let visitor = PublishDesk.Visitor(
            fields: fields, origin: request.headers[.origin], host: request.head.authority)
        let address = try desk.admit(visitor, from: ClientAddress(requestContext.channel.remoteAddress))
        var credentials = visitor.credentials
        // A browser sends the cookie with a GET to which another site's link leads (SameSite=Lax), and no Origin with it.
        if request.method == .get { credentials.session = nil }
        let identity = try await context.identities.find(credentials)
        try desk.checkRight(on: topic, of: identity)
        let body = try await request.bytes(upTo: context.configuration.maximumBody)
        let intake = try read(PublishInput(topic: topic, fields: fields, body: body, now: context.clock.now()))
        try desk.checkRights(of: identity, to: intake.requests)
        if intake.requests.count > 1 { try context.addresses.admitAlerts(intake.requests.count - 1, from: address) }
        let outcomes = try await context.publisher.publish(
            intake.requests, sender: context.senders.name(of: identity, at: address))
        let answer = PublishDesk.body(outcomes, isBatch: intake.isBatch)
        return Response(
            status: .ok, headers: desk.headers(origin: request.headers[.origin]),
            body: .init(byteBuffer: ByteBuffer(bytes: answer)))
    }

    /// Pages' preflights, and the handshake of CloudEvents' webhook specification (section 4): everyone may deliver, at the address's rate.
    private func preflight(_ request: Request) -> Response {
        let origin = request.headers[.origin]
        var headers: HTTPFields = [:]
        if context.configuration.allowedOrigins.allows(origin, host: request.head.authority) {
            headers = CORS.preflight(
                origin: origin, policy: context.configuration.allowedOrigins,
                requestedHeaders: request.headers[.accessControlRequestHeaders])
        }
        if let name = HTTPField.Name("WebHook-Request-Origin"), let sender = request.headers[name] {
            headers[HTTPField.Name("WebHook-Allowed-Origin") ?? name] = CORS.singleLine(sender)
            let rate =
                context.configuration.hasRateLimits ? String(context.configuration.addressRate.perSecond * 60) : "*"
            headers[HTTPField.Name("WebHook-Allowed-Rate") ?? name] = rate
        }
        headers[.allow] = "GET, POST, PUT, OPTIONS"
        return Response(status: .noContent, headers: headers)
    }
}
