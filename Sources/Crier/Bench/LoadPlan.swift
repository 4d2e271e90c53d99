/// What a load run does.
struct LoadPlan: Sendable {
    /// At least one; several have to be on one bus.
    let servers: [ServerURL]
    let sockets: Int
    let inFlight: Int
    /// Alerts a second; `nil`: as many as are delivered.
    let rate: Int?
    let payload: Int
    let seconds: Int
    let topic: String
}

/// Why a load run could not be carried out.
struct LoadFailure: Error, CustomStringConvertible {
    let description: String
}
