import HTTPTypes
import NIOCore

/// An HTTP/1.1 response as bytes, with the headers that every response has.
enum PlainResponse {
    /// - Parameter isLast: whether the connection ends after it.
    static func bytes(status: HTTPResponse.Status, headers: HTTPFields, body: [UInt8], isLast: Bool) -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: 1024 + body.count)
        buffer.writeStatusLine(status.code, status.reasonPhrase)
        for field in headers { buffer.writeHeader(field.name.canonicalName, field.value) }
        buffer.writeImmutableBuffer(common)
        buffer.writeHeader("Date", HTTPDate.now())
        buffer.writeHeader("Content-Length", String(body.count))
        if isLast { buffer.writeStaticString("Connection: close\r\n") }
        buffer.writeStaticString("\r\n")
        buffer.writeBytes(body)
        return buffer
    }

    private static let common: ByteBuffer = {
        var buffer = ByteBuffer()
        for field in SecurityHeaders.fields { buffer.writeHeader(field.name.canonicalName, field.value) }
        return buffer
    }()
}
