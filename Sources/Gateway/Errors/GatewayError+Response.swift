import NIOCore
import NIOHTTP1

extension GatewayError {
    /// The whole HTTP answer, after which the connection ends.
    func response() -> ByteBuffer {
        let status = HTTPResponseStatus(statusCode: code.status)
        var buffer = ByteBuffer()
        buffer.writeString("HTTP/1.1 \(status.code) \(status.reasonPhrase)\r\n")
        for (name, value) in responseHeaders { buffer.writeString("\(name): \(value)\r\n") }
        buffer.writeString("\r\n")
        buffer.writeBytes(body)
        return buffer
    }
}
