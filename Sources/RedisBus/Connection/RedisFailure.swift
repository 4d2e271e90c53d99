import MessageBus

/// Why Redis did not do what it was asked.
struct RedisFailure: Error, Sendable, Equatable {
    enum Kind: Sendable, Equatable {
        /// There is no connection, or it ended; nothing is known about what was asked.
        case link
        /// No answer in time.
        case timeOut
        /// The server answered that it does not do it.
        case refused
        /// The server is one that cannot be used, as it stands.
        case unfit
        /// What came is not what was to come.
        case protocolError
    }

    let kind: Kind
    let message: String

    init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    /// What the server answered instead.
    init(refusal: String) { self.init(.refused, refusal) }
}

extension RedisFailure {
    /// A refusal's code, such as `OOM`. Before version 7, Redis puts the code of what a script met behind a preamble of its own.
    var code: String? {
        guard kind == .refused else { return nil }
        var text = Substring(message)
        if text.hasPrefix("ERR Error "), let start = text.range(of: ": -")?.upperBound { text = text[start...] }
        return String(text.prefix { $0 != " " })
    }

    /// Whether another connection may lead to a server that does it.
    var endsConnection: Bool { code == "READONLY" || code == "MASTERDOWN" }

    /// The failure as the bus tells it.
    var busError: BusError {
        switch kind {
        case .link, .timeOut: return BusError(.unavailable, message, retryAfter: 1)
        case .unfit, .protocolError: return BusError(.backend, message)
        case .refused: break
        }
        switch code {
        case "OOM":
            return BusError(
                .unavailable,
                "Redis has used up its maxmemory: raise maxmemory, or keep fewer alerts (it answers: \(message))",
                retryAfter: 5)
        case "LOADING", "READONLY", "BUSY", "MASTERDOWN", "NOREPLICAS", "MISCONF", "CLUSTERDOWN", "TRYAGAIN":
            return BusError(.unavailable, "Redis cannot do it now: \(message)", retryAfter: 1)
        case "NOAUTH", "WRONGPASS":
            return BusError(.backend, "Redis asks for another user or password in the URL: \(message)")
        case "NOPERM":
            return BusError(.backend, "the user of the URL lacks a right that Crier needs (ACL SETUSER): \(message)")
        default: return BusError(.backend, "Redis answers: \(message)")
        }
    }
}

extension Substring {
    fileprivate func range(of mark: String) -> Range<Index>? { ranges(of: mark).first }
}
