import MessageBus

/// Words as messages: what is said stands in the attributes, which Google's tools show; an alert's JSON is the data.
///
/// | attribute | of | what it is |
/// | --- | --- | --- |
/// | `kind` | all | `alert`, `probe`, `hello`, `join`, `lease`, `leave`, `epoch` |
/// | `by`, `n` | all | the author's boot id, and which of its words this is |
/// | `topic`, `key`, `healed` | `alert` | the alert's topic, its key, and where it stood before it was lost |
/// | `vm`, `region`, `boot`, `sockets`, `at` | `join`, `lease` | the VM, its load and its position |
/// | `after`, `position`, `checksum`, `since` | `lease` | an anchor: behind which message the log stands where, and since when its author has listened |
/// | `vm`, `region`, `boot` | `leave` | whose name it was |
/// | `epoch`, `position` | `epoch` | the new epoch and the log's end before it |
extension Word {
    private enum Name {
        static let kind = "kind"
        static let author = "by"
        static let number = "n"
        static let topic = "topic"
        static let key = "key"
        static let healedFrom = "healed"
        static let vm = "vm"
        static let region = "region"
        static let boot = "boot"
        static let sockets = "sockets"
        static let place = "at"
        static let after = "after"
        static let position = "position"
        static let checksum = "checksum"
        static let since = "since"
        static let epoch = "epoch"
    }

    /// The one ordering key: everything that is said is heard in one order.
    static let orderingKey = "crier"

    var message: OutgoingMessage {
        var attributes = [Name.author: author, Name.number: String(number)]
        var data: [UInt8] = []
        switch saying {
        case .alert(let alert):
            attributes[Name.kind] = "alert"
            attributes[Name.topic] = alert.topic.name
            attributes[Name.key] = alert.key
            attributes[Name.healedFrom] = alert.healedFrom?.id
            data = alert.body
        case .probe: attributes[Name.kind] = "probe"
        case .hello: attributes[Name.kind] = "hello"
        case .join(let place):
            attributes[Name.kind] = "join"
            write(place, into: &attributes)
        case .lease(let place, let anchor):
            attributes[Name.kind] = "lease"
            write(place, into: &attributes)
            if let anchor { write(anchor, into: &attributes) }
        case .leave(let vm):
            attributes[Name.kind] = "leave"
            write(vm, into: &attributes)
        case .epoch(let epoch, let predecessor):
            attributes[Name.kind] = "epoch"
            attributes[Name.epoch] = String(epoch)
            attributes[Name.position] = predecessor.id
        }
        return OutgoingMessage(data: data, attributes: attributes, orderingKey: Self.orderingKey)
    }

    /// - Returns: `nil` for what is no word of this version's, which others may say on the topic.
    init?(_ message: ReceivedMessage) {
        let attributes = message.attributes
        guard let author = attributes[Name.author], !author.isEmpty,
            let number = attributes[Name.number].flatMap({ UInt64($0) }), number > 0,
            let saying = Self.saying(attributes, data: message.data)
        else { return nil }
        self.init(author: author, number: number, saying: saying)
    }

    private static func saying(_ attributes: [String: String], data: [UInt8]) -> Saying? {
        switch attributes[Name.kind] {
        case "alert":
            guard let topic = attributes[Name.topic].flatMap({ Topic($0) }) else { return nil }
            return .alert(
                RaisedAlert(
                    topic: topic, key: attributes[Name.key],
                    healedFrom: attributes[Name.healedFrom].flatMap { Position(id: $0) }, body: data))
        case "probe": return .probe
        case "hello": return .hello
        case "join": return place(attributes).map { .join($0) }
        case "lease": return place(attributes).map { .lease($0, anchor(attributes)) }
        case "leave": return vm(attributes).map { .leave($0) }
        case "epoch":
            guard let epoch = attributes[Name.epoch].flatMap({ UInt64($0) }), epoch <= Position.maximumComponent,
                let predecessor = attributes[Name.position].flatMap({ Position(id: $0) })
            else { return nil }
            return .epoch(epoch, predecessor: predecessor)
        default: return nil
        }
    }
}

// The parts of what a VM says of itself.
extension Word {
    private func write(_ vm: VMIdentity, into attributes: inout [String: String]) {
        attributes[Name.vm] = vm.id
        attributes[Name.region] = vm.region
        attributes[Name.boot] = vm.boot
    }

    private static func vm(_ attributes: [String: String]) -> VMIdentity? {
        guard let id = attributes[Name.vm], let region = attributes[Name.region], let boot = attributes[Name.boot]
        else { return nil }
        return VMIdentity(id: id, region: region, boot: boot)
    }

    private func write(_ place: Place, into attributes: inout [String: String]) {
        write(place.vm, into: &attributes)
        attributes[Name.sockets] = String(place.load.sockets)
        attributes[Name.place] = place.load.position.id
    }

    private static func place(_ attributes: [String: String]) -> Place? {
        guard let vm = vm(attributes),
            let sockets = attributes[Name.sockets].flatMap({ Int($0) }), sockets >= 0,
            let position = attributes[Name.place].flatMap({ Position(id: $0) })
        else { return nil }
        return Place(vm: vm, load: VMLoad(sockets: sockets, position: position))
    }

    private func write(_ anchor: Anchor, into attributes: inout [String: String]) {
        attributes[Name.after] = anchor.message
        attributes[Name.position] = anchor.position.id
        attributes[Name.checksum] = anchor.checksum.text
        attributes[Name.since] = String(anchor.authority.since.milliseconds)
    }

    private static func anchor(_ attributes: [String: String]) -> Anchor? {
        guard let author = attributes[Name.author], let message = attributes[Name.after],
            let position = attributes[Name.position].flatMap({ Position(id: $0) }),
            let checksum = attributes[Name.checksum].flatMap({ Checksum(text: $0) }),
            let since = attributes[Name.since].flatMap({ Int64($0) })
        else { return nil }
        return Anchor(
            message: message, position: position, checksum: checksum,
            authority: Authority(since: WallTime(milliseconds: since), boot: author))
    }
}
