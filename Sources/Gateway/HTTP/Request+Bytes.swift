import HTTPTypes
import Hummingbird
import NIOCore

extension Request {
    /// The whole body.
    ///
    /// - Throws: 41301 where it has more than `limit` bytes, 40010 where it breaks off.
    func bytes(upTo limit: Int) async throws -> [UInt8] {
        let tooLarge = GatewayError(.tooLarge, "the body is over \(limit) bytes")
        if let text = headers[.contentLength], let length = Int(text), length > limit { throw tooLarge }
        do {
            return Array(try await body.collect(upTo: limit).readableBytesView)
        } catch is NIOTooManyBytesError {
            throw tooLarge
        } catch is BodyBrokenOff {
            throw GatewayError(.invalidRequest, "the body breaks off or is not valid HTTP/1.1")
        }
    }
}
