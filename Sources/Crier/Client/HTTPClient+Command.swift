import AsyncHTTPClient
import NIOCore
import NIOHTTP1

extension HTTPClient {
    /// A client for one command. It follows no redirect: a token goes to the server that was named, and to no other.
    ///
    /// - Parameter readTimeout: How long a connection may be silent while an answer is awaited or read.
    static func forCommand(readTimeout: TimeAmount) -> HTTPClient {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow, timeout: .init(connect: .seconds(10), read: readTimeout))
        // A connection that fails is an attempt that fails: the commands have their own, visible retries.
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }
}

extension HTTPClientRequest {
    /// A request with the headers that all commands send.
    init(url: String, token: String?) {
        self.init(url: url)
        headers.add(name: "User-Agent", value: "crier")
        if let token { headers.add(name: "Authorization", value: "Bearer \(token)") }
    }
}
