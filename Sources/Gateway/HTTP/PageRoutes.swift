import Hummingbird
import MessageBus
import NIOCore

/// The first page, for all topics and for one; the sign-in; and the catalogue of errors that refusals link to.
struct PageRoutes {
    let pages: Pages

    func add(to router: Router<GatewayRequestContext>) {
        router.get("/") { _, _ in try pages.response(.index) }
        router.get("/:topic") { _, requestContext in
            guard let name = requestContext.parameters.get("topic"), Topic(name) != nil,
                !Route.reservedNames.contains(name)
            else { throw HTTPError(.notFound) }
            return try pages.response(.index)
        }
        router.get("/login") { _, _ in try pages.response(.login) }
        router.get("/errors") { _, _ in
            Response(
                status: .ok, headers: [.contentType: "text/html; charset=utf-8"],
                body: .init(byteBuffer: ByteBuffer(string: ErrorCatalogue.html)))
        }
    }
}
