import NIOCore

/// The parts of an HTTP/1.1 response (RFC 9112 section 4) as bytes.
extension ByteBuffer {
    mutating func writeStatusLine(_ code: Int, _ reason: String) {
        writeString("HTTP/1.1 \(code) \(reason)\r\n")
    }

    mutating func writeHeader(_ name: String, _ value: String) {
        writeString(name)
        writeStaticString(": ")
        writeString(value)
        writeStaticString("\r\n")
    }
}
