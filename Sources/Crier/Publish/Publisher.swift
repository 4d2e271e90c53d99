import ArgumentParser
import AsyncHTTPClient
import NIOCore
import NIOHTTP1

/// Sends an alert until the server has it or will not have it.
struct Publisher {
    let server: ServerURL
    let token: String?

    private static let answerLimit = 1 << 20

    private struct Answer {
        let status: Int
        let retryAfter: Int?
        let location: String?
        let body: [UInt8]
    }

    /// Publishes and returns the body of the server's answer.
    ///
    /// - Throws: `ExitCode`, after a line on standard error that says why.
    func publish(_ draft: AlertDraft, patience: Duration) async throws -> [UInt8] {
        let client = HTTPClient.forCommand(readTimeout: .seconds(10))
        do {
            let body = try await publish(draft.json, patience: patience, with: client)
            try? await client.shutdown()
            return body
        } catch {
            try? await client.shutdown()
            throw error
        }
    }

    private func publish(_ body: [UInt8], patience: Duration, with client: HTTPClient) async throws -> [UInt8] {
        var retries = PublishRetries(patience: patience)
        var random = SystemRandomNumberGenerator()
        let clock = ContinuousClock()
        let start = clock.now
        while true {
            let outcome: PublishRetries.Outcome
            let reason: String
            var answered: [UInt8] = []
            do {
                let answer = try await send(body, with: client)
                outcome = .answered(status: answer.status, retryAfter: answer.retryAfter)
                reason = ServerRefusal(status: answer.status, body: answer.body, location: answer.location).message
                answered = answer.body
            } catch let error as CancellationError {
                throw error
            } catch {
                outcome = .unanswered
                reason = "no answer from \(server): \(PrintableText.escaped(ClientExit.reason(error)))"
            }
            switch retries.action(after: outcome, elapsed: clock.now - start, using: &random) {
            case .succeed:
                return answered
            case .refuse:
                StandardStreams.note("refused: \(reason)")
                throw ExitCode(ClientExit.refused)
            case .giveUp:
                StandardStreams.note("not published: \(reason)")
                throw ExitCode(ClientExit.unavailable)
            case .retry(let wait):
                StandardStreams.note("\(reason); again in \(wait.secondsText)")
                try await Task.sleep(for: wait)
            }
        }
    }

    private func send(_ body: [UInt8], with client: HTTPClient) async throws -> Answer {
        var request = HTTPClientRequest(url: server.path(""), token: token)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        request.body = .bytes(body)
        let response = try await client.execute(request, timeout: .seconds(15))
        let collected = try await response.body.collect(upTo: Self.answerLimit)
        var answer = Array(collected.readableBytesView)
        while answer.last == UInt8(ascii: "\n") { answer.removeLast() }
        return Answer(
            status: Int(response.status.code),
            retryAfter: RetryAfter.seconds(response.headers.first(name: "Retry-After")),
            location: response.headers.first(name: "Location"), body: answer)
    }
}
