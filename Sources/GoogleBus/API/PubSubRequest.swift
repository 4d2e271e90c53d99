import AsyncHTTPClient
import NIOCore
import NIOHTTP1

/// A call as HTTP has it.
struct PubSubRequest: Sendable {
    let call: PubSubCall
    let method: HTTPMethod
    /// After the version, such as `projects/name/topics/name`, and a query; encoded already.
    let path: String
    /// In JSON.
    var body: [UInt8]?
    /// The most that is read of an answer, in bytes.
    var limit = 1_048_576
    /// How long the server may wait for something to answer with; `nil`: it answers at once.
    var waiting: Duration?

    func request(to api: String, as token: AccessToken?) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: "\(api)/v1/\(path)")
        request.method = method
        request.headers.add(name: "User-Agent", value: "crier")
        if let token { request.headers.add(name: "Authorization", value: "Bearer \(token.text)") }
        if let waiting {
            // A pull that the client gives up on its own may have taken messages, which come again only after their time to be acknowledged. With
            // this header Google ends it.
            request.headers.add(name: "X-Server-Timeout", value: String(max(waiting.components.seconds, 1)))
        }
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: body))
        }
        return request
    }
}
