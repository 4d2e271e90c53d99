import HTTPTypes
import Hummingbird
import NIOCore

/// A refusal as an HTTP response.
enum ErrorAnswer {
    static func response(_ error: GatewayError) -> Response {
        Response(
            status: .init(code: error.code.status), headers: headers(error),
            body: .init(byteBuffer: ByteBuffer(bytes: error.body)))
    }

    private static func headers(_ error: GatewayError) -> HTTPFields {
        var headers: HTTPFields = [.contentType: "application/json", .cacheControl: "no-store"]
        if let seconds = error.retryAfter { headers[.retryAfter] = String(seconds) }
        for header in error.headers {
            if let name = HTTPField.Name(header.name) { headers[name] = header.value }
        }
        return headers
    }

    /// The headers of the answer to a request that a page may have made: one that may publish may read why it could not, and when to try again.
    static func headers(_ error: GatewayError, origin: String?, host: String?, origins: OriginPolicy) -> HTTPFields {
        var headers = headers(error)
        if origins.allows(origin, host: host) {
            headers.append(contentsOf: CORS.headers(origin: origin, policy: origins))
        }
        return headers
    }
}

/// Turns what routes throw into refusals, and refuses what no route takes: 405 where other methods are taken, else 404.
struct ErrorMiddleware: RouterMiddleware {
    typealias Context = GatewayRequestContext

    let metrics: GatewayMetrics
    let origins: OriginPolicy

    func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as GatewayError {
            return refuse(request, error)
        } catch let error as HTTPError where error.status == .notFound {
            return refuse(request, Self.noRoute(request))
        } catch let error as HTTPError where error.status == .contentTooLarge {
            return refuse(request, GatewayError(.tooLarge, "the body is over its limit"))
        } catch let error as HTTPError where error.status.kind == .clientError {
            return refuse(request, GatewayError(.invalidRequest, error.body ?? "the request cannot be served"))
        }
    }

    private func refuse(_ request: Request, _ error: GatewayError) -> Response {
        metrics.refused(error.code)
        var response = ErrorAnswer.response(error)
        response.headers = ErrorAnswer.headers(
            error, origin: request.headers[.origin], host: request.head.authority, origins: origins)
        return response
    }

    /// The refusal of a request whose path, or whose method on its path, is not served.
    static func noRoute(_ request: Request) -> GatewayError {
        let allowed = AllowedMethods.methods(forPath: request.uri.path)
        guard !allowed.isEmpty, !allowed.contains(request.method.rawValue) else {
            return GatewayError(.notFound, "there is nothing at this path")
        }
        let list = allowed.joined(separator: ", ")
        return GatewayError(
            .methodNotAllowed, "this path takes \(list)", headers: [.init(name: "Allow", value: list)])
    }
}

/// Which methods a path takes, for the `Allow` of a 405.
enum AllowedMethods {
    static func methods(forPath path: String) -> [String] {
        let parts = path.split(separator: "/").map(String.init)
        switch parts.count {
        case 0: return ["GET", "HEAD", "POST", "PUT", "OPTIONS"]
        case 1 where parts[0] == "ws": return ["GET"]
        case 1 where parts[0] == "session": return ["GET", "HEAD", "POST", "DELETE"]
        case 1 where Route.reservedNames.contains(parts[0]) || parts[0].contains("."): return ["GET", "HEAD"]
        case 1: return ["GET", "HEAD", "POST", "PUT", "OPTIONS"]
        case 2 where parts[1] == "alertmanager": return ["POST", "OPTIONS"]
        case 2 where ["publish", "send", "trigger", "ws", "sse", "json", "raw"].contains(parts[1]): return ["GET"]
        case 2 where parts[0] == "v1": return ["GET", "HEAD"]
        default: return []
        }
    }
}
