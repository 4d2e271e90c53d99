import HTTPTypes
import Hummingbird
import MessageBus
import NIOCore
import StrictJSON

/// Signing in and out, and who someone is.
struct SessionRoutes {
    let context: GatewayContext

    private static let maximumBody = 16 * 1024

    func add(to router: Router<GatewayRequestContext>) {
        router.get("/session") { request, _ in
            try answer(try await desk.visit(secret(request)), to: request)
        }
        router.post("/session") { request, requestContext in
            try check(request)
            let address = address(of: request, requestContext)
            let visit = try await desk.signIn(
                try await request.bytes(upTo: Self.maximumBody), from: address, instead: secret(request))
            return try answer(visit, to: request)
        }
        router.delete("/session") { request, requestContext in
            try check(request)
            if let secret = secret(request) {
                try await desk.signOut(secret, from: address(of: request, requestContext))
            }
            return Response(
                status: .noContent,
                headers: [.setCookie: cookie("", lasting: .zero, request), .cacheControl: "no-store"])
        }
    }

    private var desk: SignInDesk { SignInDesk(context: context) }

    /// Refuses pages of other origins, and what a form of theirs could send.
    private func check(_ request: Request) throws(GatewayError) {
        try context.refuseWhenLeaving()
        try context.checkOrigin(request.headers[.origin], host: request.head.authority)
        guard
            request.method != .post || request.headers[.contentType]?.lowercased().hasPrefix("application/json") == true
        else { throw GatewayError(.unsupportedMedia, "a sign-in is sent as application/json") }
    }

    private func address(of request: Request, _ requestContext: GatewayRequestContext) -> ClientAddress {
        context.address(of: ClientAddress(requestContext.channel.remoteAddress)) { name in
            HTTPField.Name(name).flatMap { request.headers[values: $0].last }
        }
    }

    private func secret(_ request: Request) -> SessionSecret? {
        request.headers[.cookie].flatMap(SessionSecret.init(inCookies:))
    }

    private func answer(_ visit: SignInDesk.Visit?, to request: Request) throws -> Response {
        var headers: HTTPFields = [:]
        if let visit { headers[.setCookie] = cookie(visit.secret.text, lasting: visit.lasting, request) }
        return .json(headers: headers) { json in
            json.key("user")
            if let visit {
                json.beginObject()
                json.key("name")
                json.string(visit.user)
                json.key("expires")
                json.int(context.clock.now().seconds + visit.lasting.components.seconds)
                json.endObject()
            } else {
                json.null()
            }
            json.key("methods")
            json.beginArray()
            for method in desk.methods { json.string(method.rawValue) }
            json.endArray()
        }
    }

    private func cookie(_ value: String, lasting: Duration, _ request: Request) -> String {
        let isSecure = context.isSecure { name in HTTPField.Name(name).flatMap { request.headers[values: $0].last } }
        return "\(SessionSecret.cookie)=\(value); Path=/; Max-Age=\(lasting.components.seconds); HttpOnly; SameSite=Lax"
            + (isSecure ? "; Secure" : "")
    }
}
