import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// One request and its whole answer, bounded in size and time.
struct HTTPExchange: Sendable {
    struct Answer: Sendable {
        let status: Int
        let headers: HTTPHeaders
        let body: [UInt8]
    }

    private let client: HTTPClient

    init(_ client: HTTPClient) { self.client = client }

    /// A client whose connections are kept. To be shut down.
    static func makeClient(_ timing: PubSubTiming) -> HTTPClient {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow, timeout: .init(connect: TimeAmount(timing.connect)))
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 32
        // A request that gets no answer takes its connection with it. Over HTTP/2 it would end alone, and all that come after it would go on
        // trying the same dead connection until TCP gives up.
        configuration.httpVersion = .http1Only
        configuration.http1_1ConnectionDebugInitializer = DeadLinks.watch
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// Sends a request and reads the answer, whatever its status.
    ///
    /// Ends soon where the task is cancelled.
    ///
    /// - Parameters:
    ///   - limit: the most that is read of a body, in bytes.
    ///   - bound: for all of it; `.deadlineExceeded` is thrown when it has passed.
    func send(_ request: HTTPClientRequest, limit: Int, within bound: TimeBound) async throws(PubSubError) -> Answer {
        let client = client
        // The client's own deadline ends with the head of the answer, and this one has to hold for the body too.
        return try await bound.run(
            late: .unanswered(request.url), cancelled: .cancelled(outcomeUnknown: true)
        ) { () async throws(PubSubError) in
            try await Self.send(request, by: client, limit: limit, within: bound)
        }
    }

    private static func send(
        _ request: HTTPClientRequest, by client: HTTPClient, limit: Int, within bound: TimeBound
    ) async throws(PubSubError) -> Answer {
        do {
            let response = try await client.execute(request, timeout: TimeAmount(bound.rest))
            let body = try await response.body.collect(upTo: limit)
            return Answer(
                status: Int(response.status.code), headers: response.headers, body: Array(body.readableBytesView))
        } catch is NIOTooManyBytesError {
            throw PubSubError(
                .backend, "\(host(of: request.url)) answered more than \(limit) bytes", isOutcomeUnknown: true)
        } catch {
            throw failure(error, of: request)
        }
    }

    private static func failure(_ error: any Error, of request: HTTPClientRequest) -> PubSubError {
        let host = host(of: request.url)
        switch error {
        case is CancellationError: return .cancelled(outcomeUnknown: true)
        case let error as HTTPClientError:
            switch error {
            case .cancelled: return .cancelled(outcomeUnknown: true)
            case .alreadyShutdown: return .shutDown
            case .deadlineExceeded: return .unanswered(request.url)
            case .connectTimeout, .getConnectionFromPoolTimeout, .tlsHandshakeTimeout:
                return PubSubError(.unavailable, "\(host) cannot be reached: no connection in time")
            case .remoteConnectionClosed:
                return PubSubError(.unavailable, "\(host) closed the connection", isOutcomeUnknown: true)
            default: return PubSubError(.unavailable, "\(host) did not answer: \(error)", isOutcomeUnknown: true)
            }
        case let error as NIOConnectionError:
            let causes =
                error.connectionErrors.isEmpty
                ? (error.dnsAError ?? error.dnsAAAAError).map { "its name has no address: \($0)" }
                : error.connectionErrors.map { "\($0.error)" }.joined(separator: "; ")
            return PubSubError(.unavailable, "\(host) cannot be reached: \(causes ?? "no address")")
        case let error as IOError where [ECONNREFUSED, EHOSTUNREACH, ENETUNREACH].contains(error.errnoCode):
            return PubSubError(.unavailable, "\(host) cannot be reached: \(error)")
        case HTTPParserError.invalidEOFState:
            return PubSubError(.unavailable, "\(host) closed the connection", isOutcomeUnknown: true)
        case NIOSSLError.handshakeFailed(let reason):
            return PubSubError(
                .unavailable, "TLS with \(host) fails: \(reason)",
                advice:
                    "check that this machine has certificate authorities (package ca-certificates) and the right time")
        case let error as HTTPParserError:
            return PubSubError(.backend, "\(host) answered no HTTP: \(error)", isOutcomeUnknown: true)
        default: return PubSubError(.unavailable, "\(host) did not answer: \(error)", isOutcomeUnknown: true)
        }
    }

    static func host(of url: String) -> String {
        guard let mark = url.firstRange(of: "://") else { return url }
        return String(url[mark.upperBound...].prefix { $0 != "/" && $0 != "?" })
    }
}

extension PubSubError {
    fileprivate static func unanswered(_ url: String) -> PubSubError {
        PubSubError(.deadlineExceeded, "\(HTTPExchange.host(of: url)) did not answer in time", isOutcomeUnknown: true)
    }
}
