import HTTPTypes
import Hummingbird
import NIOCore
import PrometheusMetrics

/// The routes of the HTTP framework: publishing, signing in, rooms, the pages, and what operators ask. Readers do not come here.
enum GatewayRouter {
    static func make(_ context: GatewayContext, registry: PrometheusRegistry, pages: Pages) -> Router<
        GatewayRequestContext
    > {
        let router = Router(context: GatewayRequestContext.self, options: .autoGenerateHeadEndpoints)
        router.middlewares.add(SecurityHeaders())
        router.middlewares.add(ErrorMiddleware(metrics: context.metrics, origins: context.configuration.allowedOrigins))
        router.middlewares.add(
            FileMiddleware(
                pages.directory, cacheControl: pages.cacheControl, searchForIndexHtml: false, logger: context.logger))
        PublishRoutes(context: context).add(to: router)
        SessionRoutes(context: context).add(to: router)
        RoomRoutes(context: context, pages: pages).add(to: router)
        OperatorRoutes(context: context, registry: registry).add(to: router)
        PageRoutes(pages: pages).add(to: router)
        PipelinedReaders(context: context).add(to: router)
        return router
    }
}

/// A reader's request that stands behind an unanswered one on its connection. Its turn cannot be kept, so it is refused.
struct PipelinedReaders {
    let context: GatewayContext

    func add(to router: Router<GatewayRequestContext>) {
        for path in ["/ws", "/:topic/ws", "/:topic/sse", "/:topic/json", "/:topic/raw"] {
            router.get("\(path)") { request, _ -> Response in
                guard request.method == .get else { throw ErrorMiddleware.noRoute(request) }
                throw GatewayError(.invalidRequest, "a reading request cannot be pipelined behind another request")
            }
        }
    }
}
