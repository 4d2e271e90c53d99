import ArgumentParser
import AsyncHTTPClient
import NIOCore
import NIOHTTP1

/// A feed of alerts over HTTP that comes back after every loss, until it has all that is wanted.
struct Feed: Sendable {
    let server: ServerURL
    let token: String?
    let topics: [String]
    let filters: [(name: String, value: String)]
    let reconnects: Bool

    /// Without a byte for this long, the connection is dead: the server sends something every 15 seconds.
    private static let silence = TimeAmount.seconds(40)

    /// How a connection ended.
    private enum End {
        case complete
        case left(after: Duration)
        case lost(String, retryAfter: Int?)
        case refused(ServerRefusal)
    }

    /// Follows the feed and gives each alert with its JSON to `deliver`, in order and none twice.
    ///
    /// - Throws: `ExitCode`, after a line on standard error that says why; what `deliver` throws; `CancellationError`.
    func follow(
        from state: FeedState, deliver: (FeedAlert, [UInt8]) throws(StandardStreams.OutputError) -> Void
    ) async throws {
        let client = HTTPClient.forCommand(readTimeout: Self.silence)
        do {
            try await follow(from: state, with: client, deliver: deliver)
            try? await client.shutdown()
        } catch {
            try? await client.shutdown()
            throw error
        }
    }

    private func follow(
        from initial: FeedState, with client: HTTPClient,
        deliver: (FeedAlert, [UInt8]) throws(StandardStreams.OutputError) -> Void
    ) async throws {
        var state = initial
        var random = SystemRandomNumberGenerator()
        while true {
            let end = try await connect(with: client, &state, deliver: deliver)
            try Task.checkCancellation()
            let (reason, wait): (String, Duration)
            switch end {
            case .complete:
                return
            case .refused(let refusal):
                StandardStreams.note("refused: \(refusal.message)")
                throw ExitCode(ClientExit.refused)
            case .left(let delay):
                (reason, wait) = ("the server is leaving", delay)
            case .lost(let loss, let retryAfter):
                (reason, wait) = (loss, state.waitAfterLoss(retryAfter: retryAfter, using: &random))
            }
            guard reconnects else {
                StandardStreams.note(reason)
                throw ExitCode(ClientExit.unavailable)
            }
            StandardStreams.note("\(reason); reconnecting in \(wait.secondsText)")
            try await Task.sleep(for: wait)
        }
    }

    private func connect(
        with client: HTTPClient, _ state: inout FeedState,
        deliver: (FeedAlert, [UInt8]) throws(StandardStreams.OutputError) -> Void
    ) async throws -> End {
        do {
            let request = HTTPClientRequest(url: url(since: state.since), token: token)
            let response = try await client.execute(request, deadline: .distantFuture)
            guard response.status == .ok else {
                return await Self.end(of: response)
            }
            return try await read(response.body, &state, deliver: deliver)
        } catch let error as StandardStreams.OutputError {
            throw error
        } catch is CancellationError {
            throw CancellationError()
        } catch let error as FeedEvent.Malformed {
            return .lost("not understood: \(error.reason)", retryAfter: nil)
        } catch let error as LineSplitter.LineTooLong {
            return .lost("a line is longer than \(error.limit) bytes", retryAfter: nil)
        } catch {
            return .lost("no feed from \(server): \(PrintableText.escaped(ClientExit.reason(error)))", retryAfter: nil)
        }
    }

    private func read(
        _ body: HTTPClientResponse.Body, _ state: inout FeedState,
        deliver: (FeedAlert, [UInt8]) throws(StandardStreams.OutputError) -> Void
    ) async throws -> End {
        var splitter = LineSplitter()
        for try await chunk in body {
            for line in try splitter.append(chunk.readableBytesView) {
                let event = try FeedEvent(line: line)
                let action = state.receive(event)
                if case .message(let alert) = event, action == .deliver || action == .deliverLast {
                    try deliver(alert, line)
                }
                switch action {
                case .deliverLast: return .complete
                case .leave(let delay): return .left(after: delay)
                case .note(let text): StandardStreams.note(text)
                case .deliver, .nothing: break
                }
            }
        }
        return .lost("the connection ended", retryAfter: nil)
    }

    /// Refused now is worth another try where the status says so (RFC 9110 §15), and refused otherwise.
    private static func end(of response: HTTPClientResponse) async -> End {
        let status = Int(response.status.code)
        let body = try? await response.body.collect(upTo: 65_536)
        let refusal = ServerRefusal(
            status: status, body: body.map { Array($0.readableBytesView) } ?? [],
            location: response.headers.first(name: "Location"))
        guard status == 429 || status >= 500 else { return .refused(refusal) }
        return .lost(refusal.message, retryAfter: RetryAfter.seconds(response.headers.first(name: "Retry-After")))
    }

    /// The URL of the feed. `*` and commas need no encoding in a path (RFC 3986 §3.3).
    func url(since: String?) -> String {
        server.path(
            "\(topics.joined(separator: ","))/json", query: (since.map { [("since", $0)] } ?? []) + filters)
    }
}
