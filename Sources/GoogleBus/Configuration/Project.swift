/// Which project the topic is in.
enum Project: Sendable, Equatable {
    case known(String)
    /// The one of the machine that this runs on, as the metadata server knows it.
    case machine

    /// What an emulator, which takes any name, has where none is set.
    static let emulated = "crier-local"

    init(
        _ configuration: GoogleBusConfiguration, key: ServiceAccountKey?, isEmulated: Bool
    ) throws(GoogleBusSetupError) {
        guard let name = configuration.project ?? (isEmulated ? Self.emulated : key?.projectID) else {
            guard key == nil else {
                throw GoogleBusSetupError(
                    "GOOGLE_CLOUD_PROJECT", "has to be set, since the service account's key does not name its project")
            }
            self = .machine
            return
        }
        guard ResourceNames.isProject(name) || isEmulated && ResourceNames.isEmulatedProject(name) else {
            throw GoogleBusSetupError(
                "GOOGLE_CLOUD_PROJECT",
                """
                “\(name)” is no project's id: 6 to 30 lowercase letters, digits and hyphens; gcloud projects list shows it as PROJECT_ID, \
                beside the name
                """)
        }
        self = .known(name)
    }
}
