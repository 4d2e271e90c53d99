/// What a load run does.
struct LoadPlan: Sendable {
    let server: ServerURL
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
