import StrictJSON

/// The server's answer to a publish, as far as a person wants to know.
enum PublishReceipt: Sendable, Equatable {
    case raised(id: String)
    /// Raised before, by the same key.
    case duplicate(id: String)
    /// To be raised at this time, in Unix seconds.
    case scheduled(time: Int)

    /// `nil` if the answer is not one of a Crier server.
    init?(_ body: [UInt8]) {
        guard let object = (try? JSONValue.parse(body, limits: .init(maxDepth: 64, maxMembers: 65_536)))?.objectValue
        else { return nil }
        if object["event"]?.stringValue == "scheduled", let time = object["time"]?.intValue {
            self = .scheduled(time: time)
        } else if let id = object["id"]?.stringValue {
            self = object["duplicate"]?.boolValue == true ? .duplicate(id: id) : .raised(id: id)
        } else {
            return nil
        }
    }

    /// The line for standard output, safe to print.
    var line: String {
        switch self {
        case .raised(let id), .duplicate(let id): PrintableText.escaped(id)
        case .scheduled(let time): "scheduled \(Timestamp.text(unixSeconds: time))"
        }
    }
}
