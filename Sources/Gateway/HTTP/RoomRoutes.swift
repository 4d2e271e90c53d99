import Broadcasting
import HTTPTypes
import Hummingbird
import MessageBus
import NIOCore
import StrictJSON

/// The lobby and the rooms: their pages, and what these ask.
struct RoomRoutes {
    let context: GatewayContext
    let pages: Pages

    func add(to router: Router<GatewayRequestContext>) {
        router.get("/lobby") { _, _ in try pages.response(.lobby) }
        for path in ["/rooms/:region", "/rooms/vm/:id"] {
            router.get("\(path)") { request, _ in
                let isServed = Room(path: request.uri.path).map(context.serves) ?? false
                return try pages.response(isServed ? .room : .unknownRoom, status: isServed ? .ok : .notFound)
            }
        }
        router.get("/v1/lobby") { _, _ in lobby() }
        router.get("/v1/rooms/:room") { request, requestContext in
            try await people(in: requestContext.parameters.get("room"), for: request)
        }
        router.get("/v1/ping") { _, _ in
            let name = HTTPField.Name("Crier-VM").map { HTTPField(name: $0, value: context.hub.vm.id) }
            return Response(
                status: .noContent,
                headers: HTTPFields([.init(name: .cacheControl, value: "no-store")] + (name.map { [$0] } ?? [])))
        }
    }

    /// Which VMs there are, where, and how many people are in each room. Open to everyone, as `/v1/vms` is: it names no one.
    private func lobby() -> Response {
        let fleet = context.fleet.current
        let now = context.clock.now()
        return .json { json in
            json.key("vm")
            json.string(context.hub.vm.id)
            json.key("region")
            json.string(context.hub.vm.region)
            json.key("now")
            json.int(now.milliseconds)
            json.key("affinity")
            json.bool(context.hasAffinity)
            json.key("vms")
            json.beginArray()
            for vm in fleet.vms {
                json.beginObject()
                json.key("id")
                json.string(vm.id)
                json.key("region")
                json.string(vm.region)
                json.key("sockets")
                json.int(vm.id == context.hub.vm.id ? context.hub.currentStatus.sockets : vm.sockets)
                json.key("lag")
                json.int(vm.lag)
                if let since = vm.since {
                    json.key("age")
                    json.int(max(0, (now.milliseconds - since.milliseconds) / 1000))
                }
                json.endObject()
            }
            json.endArray()
            json.key("rooms")
            json.beginArray()
            // A topic may be followed as a room that nobody serves.
            for count in context.presence.counts() where context.serves(count.room) {
                json.beginObject()
                json.key("room")
                json.string(count.room.label)
                json.key("people")
                json.int(count.people)
                json.key("vms")
                json.int(count.vms)
                json.endObject()
            }
            json.endArray()
        }
    }

    /// Who is in a room, for those who may enter it.
    private func people(in label: String?, for request: Request) async throws -> Response {
        guard let room = label.flatMap(Room.init(label:)) else {
            throw GatewayError(.notFound, "there is no such room")
        }
        let identity = try await context.identities.find(Credentials(RequestFields(request.head)))
        try context.configuration.rights.checkReading(of: room.topic, by: identity)
        let people = context.presence.people(in: room)
        return .json { json in
            json.key("room")
            json.string(room.label)
            json.key("people")
            RoomPresence.write(people, to: &json)
        }
    }
}
