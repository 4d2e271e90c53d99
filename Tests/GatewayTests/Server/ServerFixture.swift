import CrierTesting
import NIOHTTP1
import StrictJSON
import Testing
import WebSocketTransport

@testable import Gateway

extension JSONObject {
    func string(_ name: String) -> String? { self[name]?.stringValue }

    func int(_ name: String) -> Int? { self[name]?.intValue }

    /// Its `event`, for the shape of a stream.
    var event: String? { string("event") }
}

extension HTTPReply {
    /// The number of the refusal in its body.
    var code: Int? { (try? object())?.int("code") }
}

extension RunningServer {
    func socket(
        _ path: String = "/ws", headers: HTTPHeaders = [:], subprotocols: [String] = []
    ) async throws -> TestWebSocket {
        try await TestWebSocket.connect(port: port, path: path, headers: headers, subprotocols: subprotocols)
    }

    /// A socket of the duplex protocol after its `open`.
    func duplex(headers: HTTPHeaders = [:]) async throws -> TestWebSocket {
        let socket = try await socket(headers: headers)
        let open = try await socket.nextObject()
        #expect(open.event == "open")
        return socket
    }

    /// The status and code with which a WebSocket's handshake is refused.
    func refusal(of path: String, headers: HTTPHeaders = [:]) async throws -> (
        status: Int?, code: Int?, headers: HTTPHeaders
    )? {
        do {
            let socket = try await socket(path, headers: headers)
            try await socket.abort()
            return nil
        } catch let error as WebSocketConnectError {
            let code = (try? JSONValue.parse(error.body))?.objectValue?.int("code")
            return (error.status, code, error.headers)
        }
    }

    /// Raises an alert that has to be accepted.
    @discardableResult
    func raise(_ topic: String, _ message: String, headers: [(String, String)] = []) async throws -> JSONObject {
        let reply = try await request("POST", "/\(topic)", headers: headers, body: message)
        #expect(reply.status == 200, "\(reply.text)")
        return try reply.object()
    }

    /// What a poll answers.
    func poll(_ target: String, headers: [(String, String)] = []) async throws -> [JSONObject] {
        let reply = try await request("GET", target, headers: headers)
        #expect(reply.status == 200, "\(reply.text)")
        return try reply.text.split(separator: "\n").compactMap { try JSONValue.parse(String($0)).objectValue }
    }

    /// After whatever was done to it the server takes an alert and hands it out.
    func stillWorks() async throws {
        let mark = "alive-\(UInt32.random(in: 0 ... .max))"
        let raised = try await raise("alive", mark)
        let held = try await poll("/alive/json?poll=1&since=latest")
        #expect(held.last?.string("id") == raised.string("id"))
        #expect(held.last?.string("message") == mark)
    }

    /// How many readers the server has.
    func sockets() async throws -> Int? { try await request("GET", "/ready").object().int("sockets") }

    /// Waits until the number of readers is what it should be.
    func awaitSockets(_ count: Int, within bound: Duration = .patience) async throws {
        try await eventually("\(count) readers", within: bound) { try await sockets() == count }
    }
}

extension TestWebSocket {
    /// The next frame that is no keepalive.
    func nextObject(within bound: Duration = .patience) async throws -> JSONObject {
        while true {
            let text = try await nextText(within: bound)
            guard let object = try JSONValue.parse(text).objectValue else { throw NotAnObject(text: text) }
            if object.event != "keepalive" { return object }
        }
    }

    struct NotAnObject: Error { let text: String }

    /// Sends a frame and waits for its `ack` or `error`; what comes before that is passed over.
    func ask(_ text: String) async throws -> JSONObject {
        try await send(text: text)
        while true {
            let object = try await nextObject()
            if object.event == "ack" || object.event == "error" { return object }
        }
    }

    /// How the connection ends; what comes before is passed over.
    func nextClose(within bound: Duration = .patience) async throws -> WebSocketCloseCode? {
        while true {
            if case .closed(let code, _) = try await next(within: bound) { return code }
        }
    }

    /// Leaves without waiting for the server's word.
    func leave() async throws { try await abort() }
}
