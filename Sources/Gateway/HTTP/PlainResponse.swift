import HTTPTypes
import NIOCore

/// An HTTP/1.1 response as bytes, with the headers that every response has.
enum PlainResponse {
    /// - Parameter isLast: whether the connection ends after it.
    static func bytes(status: HTTPResponse.Status, headers: HTTPFields, body: [UInt8], isLast: Bool) -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: 1024 + body.count)
        buffer.writeString("HTTP/1.1 \(status.code) \(status.reasonPhrase)\r\n")
        for field in headers { write(field.name.canonicalName, field.value, to: &buffer) }
        buffer.writeImmutableBuffer(common)
        write("Date", HTTPDate.now(), to: &buffer)
        write("Content-Length", String(body.count), to: &buffer)
        if isLast { buffer.writeStaticString("Connection: close\r\n") }
        buffer.writeStaticString("\r\n")
        buffer.writeBytes(body)
        return buffer
    }

    private static let common: ByteBuffer = {
        var buffer = ByteBuffer()
        for field in SecurityHeaders.fields { write(field.name.canonicalName, field.value, to: &buffer) }
        return buffer
    }()

    private static func write(_ name: String, _ value: String, to buffer: inout ByteBuffer) {
        buffer.writeString(name)
        buffer.writeStaticString(": ")
        buffer.writeString(value)
        buffer.writeStaticString("\r\n")
    }
}
