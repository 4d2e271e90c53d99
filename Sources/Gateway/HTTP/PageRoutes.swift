import HTTPTypes
import Hummingbird
import MessageBus
import NIOCore

/// The page, for all topics and for one, and the catalogue of errors that refusals link to.
struct PageRoutes {
    let page: Page

    func add(to router: Router<GatewayRequestContext>) {
        router.get("/") { _, _ in try response() }
        router.get("/:topic") { _, requestContext in
            guard let name = requestContext.parameters.get("topic"), Topic(name) != nil,
                !Route.reservedNames.contains(name)
            else { throw HTTPError(.notFound) }
            return try response()
        }
        router.get("/errors") { _, _ in
            Response(
                status: .ok, headers: [.contentType: "text/html; charset=utf-8"],
                body: .init(byteBuffer: ByteBuffer(string: ErrorCatalogue.html)))
        }
    }

    private func response() throws -> Response {
        guard let html = page.html else {
            throw GatewayError(.notFound, "the page is not installed: PUBLIC_DIR has no index.html")
        }
        return Response(
            status: .ok, headers: [.contentType: "text/html; charset=utf-8", .cacheControl: "no-cache"],
            body: .init(byteBuffer: html))
    }
}
