/// Where the Google Cloud Pub/Sub bus is and whose rights it has.
///
/// With neither `serviceAccountJSON` nor `credentialsFile`, tokens come from the metadata server of the Google Cloud machine that this runs on. With
/// `emulatorHost` there are no credentials at all.
public struct GoogleBusConfiguration: Sendable, Equatable {
    /// `GOOGLE_CLOUD_PROJECT`, an id or a number; `nil`: the one that the key names, or else the metadata server. An emulator, where any name will
    /// do, then has the project `crier-local`.
    public var project: String?
    /// `GOOGLE_APPLICATION_CREDENTIALS`: the path of a service account's key file in JSON.
    public var credentialsFile: String?
    /// `GOOGLE_SERVICE_ACCOUNT_JSON`: the key file's whole text. Wins over the file.
    public var serviceAccountJSON: String?
    /// The topic that all VMs share; made where it is not there.
    public var topic = defaultTopic
    /// `PUBSUB_REGION`, such as `europe-west1`: all VMs speak to this region, and messages are kept there alone, so that the order holds among
    /// publishers that are far apart; `nil`: each speaks to the nearest.
    public var region: String?
    /// `PUBSUB_EMULATOR_HOST`, as `host:port`: plain HTTP without credentials.
    public var emulatorHost: String?
    /// `GCE_METADATA_HOST`, as `host` or `host:port`: where the metadata server is; `nil`: where Google Cloud has it.
    public var metadataHost: String?

    public static let defaultTopic = "ALIEN_NOTIFICATIONS"

    public init() {}
}
