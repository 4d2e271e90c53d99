import MessageBus

/// Words as messages: what is said stands in the attributes, which Google's tools show; an alert's JSON is the data.
///
/// | attribute | of | what it is |
/// | --- | --- | --- |
/// | `kind` | all | `alert`, `place`, `claim`, `cede`, `epoch`, `standing`, `hello`, `join`, `lease`, `leave` |
/// | `by`, `n` | all | the author's boot id, and which of its words this is |
/// | `topic`, `key`, `healed` | `alert` | the alert's topic, its key, and where it stood before it was lost |
/// | `first` | `place` | the first of the positions that are given; to whom they are stands in the data |
/// | `epoch` | `claim`, `cede`, `epoch` | the epoch |
/// | `after` | `epoch` | the position that it follows |
/// | `head`, `leader` | `standing`, `lease` | where the log stands, and the boot id of who leads it |
/// | `vm`, `region`, `boot` | `join`, `lease`, `leave` | the VM |
/// | `sockets`, `at` | `join`, `lease` | its load and its position |
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
        static let first = "first"
        static let epoch = "epoch"
        static let after = "after"
        static let head = "head"
        static let leader = "leader"
    }

    /// The one ordering key: what one VM says is heard in its order.
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
        case .place(let placement):
            attributes[Name.kind] = "place"
            attributes[Name.first] = placement.first.id
            data = placement.encoded
        case .claim(let epoch):
            attributes[Name.kind] = "claim"
            attributes[Name.epoch] = String(epoch)
        case .cede(let epoch):
            attributes[Name.kind] = "cede"
            attributes[Name.epoch] = String(epoch)
        case .epoch(let epoch, let predecessor):
            attributes[Name.kind] = "epoch"
            attributes[Name.epoch] = String(epoch)
            attributes[Name.after] = predecessor.id
        case .standing(let standing):
            attributes[Name.kind] = "standing"
            if let standing { write(standing, into: &attributes) }
        case .hello: attributes[Name.kind] = "hello"
        case .join(let place):
            attributes[Name.kind] = "join"
            write(place, into: &attributes)
        case .lease(let place, let standing):
            attributes[Name.kind] = "lease"
            write(place, into: &attributes)
            if let standing { write(standing, into: &attributes) }
        case .leave(let vm):
            attributes[Name.kind] = "leave"
            write(vm, into: &attributes)
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
        case "place":
            guard let first = attributes[Name.first].flatMap({ Position(id: $0) }) else { return nil }
            return Placement(encoded: data, first: first).map { .place($0) }
        case "claim": return epoch(attributes).map { .claim($0) }
        case "cede": return epoch(attributes).map { .cede($0) }
        case "epoch":
            guard let epoch = epoch(attributes),
                let predecessor = attributes[Name.after].flatMap({ Position(id: $0) })
            else { return nil }
            return .epoch(epoch, predecessor: predecessor)
        case "standing": return .standing(standing(attributes))
        case "hello": return .hello
        case "join": return place(attributes).map { .join($0) }
        case "lease": return place(attributes).map { .lease($0, standing(attributes)) }
        case "leave": return vm(attributes).map { .leave($0) }
        default: return nil
        }
    }
}

// The parts of what a VM says of itself and of the log.
extension Word {
    private static func epoch(_ attributes: [String: String]) -> UInt64? {
        attributes[Name.epoch].flatMap { UInt64($0) }.flatMap {
            (1...Position.maximumComponent).contains($0) ? $0 : nil
        }
    }

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

    private func write(_ standing: Standing, into attributes: inout [String: String]) {
        attributes[Name.head] = standing.head.id
        attributes[Name.leader] = standing.leader
    }

    private static func standing(_ attributes: [String: String]) -> Standing? {
        guard let head = attributes[Name.head].flatMap({ Position(id: $0) }), let leader = attributes[Name.leader]
        else { return nil }
        return Standing(head: head, leader: leader)
    }
}
