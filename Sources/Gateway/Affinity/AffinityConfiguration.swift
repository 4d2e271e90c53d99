/// How requests that are meant for another VM get there.
public struct AffinityConfiguration: Sendable, Equatable {
    /// How the proxy is told which VM takes over.
    public enum Replay: String, Sendable, CaseIterable {
        /// That VM; where it is gone the proxy chooses another.
        case preferInstance = "prefer_instance"
        /// That VM or none.
        case instance
        /// Any VM of its region.
        case region
    }

    private enum Mode: String, CaseIterable {
        case auto, on, off
    }

    /// Whether requests are looked at at all.
    public var isOn = false
    /// The HTTP status of a replay: 101, or 200 to 599.
    public var status = 307
    public var replay = Replay.preferInstance
    /// Whether a request for a VM or region that is not there is refused instead of served here.
    public var isStrict = false

    public init() {}

    init(_ settings: SettingsReader, isOnFly: Bool) throws(ConfigurationError) {
        switch try settings.choice(.affinity, standard: Mode.auto) {
        case .auto: isOn = isOnFly
        case .on: isOn = true
        case .off: isOn = false
        }
        status = try settings.number(.affinityStatus, in: 101...599, standard: status)
        guard status == 101 || status >= 200 else {
            throw ConfigurationError(key: Setting.affinityStatus.key, "“\(status)” is neither 101 nor 200 to 599")
        }
        replay = try settings.choice(.affinityReplay, standard: replay)
        isStrict = try settings.choice(.affinityStrict, standard: ServerConfiguration.Switch.off) == .on
    }
}
