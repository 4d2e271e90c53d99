import CrierTesting
import CryptoExtras
import Logging
import MessageBus
import NIOHTTP1
import StrictJSON
import Testing

@testable import GoogleBus

/// An API whose servers are on loopback.
enum APIFixture {
    static let logger = Logger(label: "google.tests") { _ in SwiftLogNoOpLogHandler() }

    static var configuration: GoogleBusConfiguration {
        var configuration = GoogleBusConfiguration()
        configuration.project = "crier-test"
        return configuration
    }

    /// Bounds that no crowded machine reaches, so that only what a test stalls takes that long.
    static let patient: PubSubTiming = {
        var timing = PubSubTiming()
        timing.call = .seconds(60)
        timing.pullGrace = .seconds(60)
        timing.connect = .seconds(30)
        return timing
    }()

    static func with(
        _ configuration: GoogleBusConfiguration = configuration, on server: LoopbackServer, isEmulator: Bool = true,
        timing: PubSubTiming = patient, clock: WallClock = .system, _ body: (PubSubAPI) async throws -> Void
    ) async throws {
        let endpoints = GoogleEndpoints(api: server.url, metadata: server.url, isEmulator: isEmulator)
        try await with(configuration, at: endpoints, timing: timing, clock: clock, body)
    }

    static func with(
        _ configuration: GoogleBusConfiguration, at endpoints: GoogleEndpoints, timing: PubSubTiming = patient,
        clock: WallClock = .system, _ body: (PubSubAPI) async throws -> Void
    ) async throws {
        let api = try PubSubAPI(configuration, at: endpoints, timing: timing, clock: clock, logger: logger)
        try await perform {
            try await body(api)
        } finally: {
            await api.shutdown()
        }
    }

    /// An API that speaks to a server with a script.
    static func with(
        _ script: LoopbackServer.Script, timing: PubSubTiming = patient,
        _ body: (PubSubAPI, LoopbackServer) async throws -> Void
    ) async throws {
        try await LoopbackServer.with(script) { server in
            try await with(on: server, timing: timing) { try await body($0, server) }
        }
    }
}

/// What an operation throws.
func failure<Value>(_ operation: () async throws -> Value) async -> PubSubError? {
    do {
        _ = try await operation()
        return nil
    } catch {
        return error as? PubSubError
    }
}

/// An error in Google's form.
func errorBody(_ code: Int, _ status: String, _ message: String, reason: String? = nil, metadata: String = "{}")
    -> String
{
    let details =
        reason.map {
            #","details":[{"@type":"type.googleapis.com/google.rpc.Help","links":[]},{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"\#($0)","domain":"googleapis.com","metadata":\#(metadata)}]"#
        } ?? ""
    return #"{"error":{"code":\#(code),"message":"\#(message)","status":"\#(status)"\#(details)}}"#
}
