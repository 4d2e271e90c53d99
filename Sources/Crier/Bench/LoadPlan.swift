import ArgumentParser

/// What a load run does.
struct LoadPlan: Sendable {
    /// How the sockets read.
    enum Form: String, ExpressibleByArgument, CaseIterable, Sendable {
        /// `/{topic}/ws`.
        case ws
        /// `/{topic}/sse`.
        case sse
    }

    /// At least one; several have to be on one bus.
    let servers: [ServerURL]
    let form: Form
    let sockets: Int
    /// Sockets that are being opened at any moment.
    let connectionsAtOnce: Int
    /// Loops, each on a thread of its own.
    let threads: Int
    let inFlight: Int
    /// Alerts a second; `nil`: as many as are delivered.
    let rate: Int?
    let payload: Int
    let seconds: Int
    let topic: String
}

/// Why a load run could not be carried out.
struct LoadFailure: Error, Equatable, CustomStringConvertible {
    let description: String
}
