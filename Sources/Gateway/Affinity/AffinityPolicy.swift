/// Decides where a request that names a VM or region is served. Pure: what it knows of the world it is given.
struct AffinityPolicy: Sendable {
    /// What counts of a request besides its target. Clients can send these headers too, so they are never a reason to send it anywhere.
    struct Circumstances: Equatable, Sendable {
        /// Whether the proxy has replayed it, or tried to: it is not sent on once more.
        var isReplayed = false
        /// Whether it has the cookie, with any value.
        var hasCookie = false
        /// Whether the trusted proxy got it by HTTPS.
        var isSecure = false
    }

    let vm: String
    let region: String
    let configuration: AffinityConfiguration

    /// - Parameter fleet: looked at only where the target is another place.
    func decide(
        _ target: AffinityTarget, _ circumstances: Circumstances, fleet: @autoclosure () -> Fleet
    ) -> AffinityDecision {
        let isSecure = circumstances.isSecure
        if isHere(target.place) {
            guard case (.vm, .query) = (target.place, target.source) else { return .serve(nil) }
            return .serve(CookieChange(kind: .set(vm: vm), isSecure: isSecure))
        }
        let reset = CookieChange(kind: .reset, isSecure: isSecure)
        if circumstances.isReplayed { return .fallBack(circumstances.hasCookie ? reset : nil) }
        if let field = field(for: target.place, in: fleet()) {
            return .replay(field: field, status: configuration.status)
        }
        // A browser would come back with the same cookie for a day.
        let change = target.source == .cookie ? reset : nil
        return configuration.isStrict ? .unknownTarget(change) : .fallBack(change)
    }

    private func isHere(_ place: AffinityTarget.Place) -> Bool {
        switch place {
        case .vm(let id): id == vm
        case .region(let code): code == region
        }
    }

    /// Where nobody can be reached the proxy comes back, and the request is served here. Without it the client gets an error until a dead VM's lease ends.
    private static let fallback = ";fallback=prefer_self"

    /// The value of `fly-replay`; `nil` where nobody is there.
    private func field(for place: AffinityTarget.Place, in fleet: Fleet) -> String? {
        switch place {
        case .region(let code): return fleet.hasVM(in: code) ? "region=\(code)\(Self.fallback)" : nil
        case .vm(let id):
            guard let region = fleet.region(of: id) else { return nil }
            switch configuration.replay {
            case .preferInstance: return "prefer_instance=\(id)"
            case .instance: return "instance=\(id)\(Self.fallback)"
            case .region: return AffinityTarget.isRegion(region.utf8) ? "region=\(region)\(Self.fallback)" : nil
            }
        }
    }
}
