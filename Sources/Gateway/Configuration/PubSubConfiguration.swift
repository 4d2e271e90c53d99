/// Where Google Cloud Pub/Sub is and who this VM is there. What is `nil` is found out: from the key, or from the machine.
public struct PubSubConfiguration: Sendable, Equatable {
    /// The id of the Google Cloud project that the topic is in; `nil`: the key's, else the machine's.
    public var project: String?
    /// The path of a key file; `nil`, and no `serviceAccountJSON`: what Google gives the machine.
    public var credentialsFile: String?
    /// A service account's key, as its file has it. A secret: `description` leaves it out.
    public var serviceAccountJSON: String?
    public var topic = "ALIEN_NOTIFICATIONS"
    /// The region whose endpoint all VMs publish through; `nil`: the one that is nearest.
    public var region: String?
    /// Google's emulator as `host:port`; `nil`: Google itself.
    public var emulatorHost: String?
    /// Where the machine's metadata server is, by the variable that Google's own libraries read; `nil`: where Google has it.
    public var metadataHost: String?

    public init() {}

    init(_ settings: SettingsReader) {
        project = settings.text(.googleProject)
        credentialsFile = settings.text(.googleCredentials)
        serviceAccountJSON = settings.text(.googleServiceAccount)
        topic = settings.text(.pubSubTopic) ?? topic
        region = settings.text(.pubSubRegion)
        emulatorHost = settings.text(.pubSubEmulator)
        metadataHost = settings.other("GCE_METADATA_HOST")
    }
}

extension PubSubConfiguration: CustomStringConvertible, CustomReflectable {
    public var description: String {
        "topic \(topic) of \(project ?? "the key's or the machine's project")"
    }

    /// Without the key, which `dump` would show otherwise.
    public var customMirror: Mirror { Mirror(self, children: ["description": description]) }
}
