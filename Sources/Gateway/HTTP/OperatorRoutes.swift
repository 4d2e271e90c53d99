import Broadcasting
import HTTPTypes
import Hummingbird
import MessageBus
import NIOCore
import PrometheusMetrics
import StrictJSON

/// What operators and their machines ask: health, readiness, metrics and the VMs.
struct OperatorRoutes {
    let context: GatewayContext
    let registry: PrometheusRegistry

    func add(to router: Router<GatewayRequestContext>) {
        router.get("/health") { _, _ in
            Response.json {
                $0.key("status")
                $0.string("ok")
            }
        }
        router.get("/v1/health") { _, _ in
            Response.json {
                $0.key("healthy")
                $0.bool(true)
            }
        }
        router.get("/ready") { _, _ in ready() }
        router.get("/v1/vms") { _, _ in try await vms() }
        router.get("/metrics") { _, _ in
            Response(
                status: .ok,
                headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8", .cacheControl: "no-store"],
                body: .init(byteBuffer: ByteBuffer(bytes: registry.render())))
        }
    }

    /// Whether the subscription is live, the ring warm and the VM staying.
    private func ready() -> Response {
        let status = context.hub.currentStatus
        let state =
            status.isLeaving ? "leaving" : status.isBusAway ? "bus away" : status.isReady ? "ready" : "warming up"
        return .json(status: state == "ready" ? .ok : .serviceUnavailable) { json in
            json.key("status")
            json.string(state)
            json.key("vm")
            json.string(context.hub.vm.id)
            json.key("region")
            json.string(context.hub.vm.region)
            json.key("position")
            json.string(status.position.id)
            json.key("sockets")
            json.int(status.sockets)
        }
    }

    private func vms() async throws -> Response {
        let records: [VMRecord]
        do { records = try await context.hub.vms() } catch { throw GatewayError(error) }
        let now = context.clock.now()
        return .json { json in
            json.key("vms")
            json.beginArray()
            for record in records {
                json.beginObject()
                json.key("subscription")
                json.string(record.subscription.name)
                json.key("id")
                json.string(record.id)
                json.key("region")
                json.string(record.region)
                json.key("sockets")
                json.int(record.sockets)
                json.key("position")
                json.string(record.position.id)
                json.key("lag")
                json.int(record.lag)
                json.key("age")
                json.int(max(0, (now.milliseconds - record.since.milliseconds) / 1000))
                json.key("seen")
                json.int(record.seen.seconds)
                json.endObject()
            }
            json.endArray()
        }
    }
}
