/// What becomes of a request that names a VM or region.
enum AffinityDecision: Equatable, Sendable {
    /// It is right here.
    case serve(CookieChange?)
    /// It is meant for another place that cannot have it, and served here.
    case fallBack(CookieChange?)
    /// The proxy is to give it to another VM: the value of `fly-replay`, and the answer's status.
    case replay(field: String, status: Int)
    /// There is no such VM or region.
    case unknownTarget(CookieChange?)

    /// How it is counted.
    var name: String {
        switch self {
        case .serve: "served"
        case .fallBack: "fell_back"
        case .replay: "replayed"
        case .unknownTarget: "unknown"
        }
    }
}
