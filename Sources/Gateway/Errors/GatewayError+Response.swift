import NIOCore
import NIOHTTP1

extension GatewayError {
    /// The whole HTTP answer, after which the connection ends.
    func response() -> ByteBuffer {
        let status = HTTPResponseStatus(statusCode: code.status)
        var buffer = ByteBuffer()
        buffer.writeStatusLine(Int(status.code), status.reasonPhrase)
        for (name, value) in responseHeaders { buffer.writeHeader(name, value) }
        buffer.writeString("\r\n")
        buffer.writeBytes(body)
        return buffer
    }
}
