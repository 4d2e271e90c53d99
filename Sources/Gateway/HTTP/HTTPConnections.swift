import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// The connections that the HTTP framework serves: each gets the framework's part of its pipeline and a task when its first such request comes.
///
/// They wait for their task in a queue that the number of connections bounds.
final class HTTPConnections: Sendable {
    private typealias Connection = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>

    private let service: HTTPService
    private let connections: AsyncStream<Connection>
    private let continuation: AsyncStream<Connection>.Continuation

    init(_ service: HTTPService) {
        self.service = service
        (connections, continuation) = AsyncStream.makeStream()
    }

    /// Adds the framework's handlers to the end of a connection's pipeline. Called on its event loop.
    ///
    /// - Returns: the first of them, to be removed where the connection becomes a reader's. What stays behind it is inert without it.
    func attach(to channel: any Channel) throws -> HTTP1ToHTTPServerCodec {
        let codec = HTTP1ToHTTPServerCodec(secure: false)
        // Bodies come in pieces of any size, where a reader's frames are small.
        try channel.syncOptions?.setOption(.recvAllocator, value: AdaptiveRecvByteBufferAllocator())
        try channel.pipeline.syncOperations.addHandler(codec)
        let connection = try Connection(
            wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
        continuation.yield(connection)
        return codec
    }

    /// Serves connections until the task is cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            for await connection in connections {
                group.addTask { await self.service.handle(value: connection, logger: self.service.logger) }
            }
            group.cancelAll()
        }
    }
}
