/// How long things take on a log that VMs share.
public struct LogTiming: Sendable {
    /// How long a VM stays on the bus without renewing its place.
    public var lease = Duration.seconds(15)
    /// How long one reading waits for the log to go on. With the three seconds that a feed may take besides, a link that is half open is found within six.
    public var reading = Duration.seconds(3)
    /// How long a word that is sent through the bus may take.
    public var hearing = Duration.seconds(3)
    /// How often, at most, it is tried whether the bus carries anything.
    public var probing = Duration.seconds(4)

    public init() {}
}
