public import NIOCore
public import NIOHTTP1

/// Reads the head of an HTTP/1.1 request (RFC 9112 sections 3 and 5) where it is plain, which nearly all are.
///
/// A head is plain when a reader of any strictness reads it the same way: `GET`, `POST` or `PUT`, a path, `HTTP/1.1`, lines that end in CRLF, names that
/// are tokens and no folded, empty-named or control-character lines. Whatever is not, valid or not, is left to a full HTTP parser.
public enum PlainRequestHead {
    /// What the bytes are.
    public enum Reading {
        /// So far a plain head, of which more has to come.
        case incomplete
        /// A whole head; what follows it begins at `length`.
        case head(HTTPRequestHead, length: Int)
        /// Not for this reader.
        case other
    }

    /// Header lines that a plain head has at most.
    private static let maximumHeaders = 64

    /// - Parameters:
    ///   - buffer: what has come, from the head's first byte on. It is not consumed.
    ///   - maximum: bytes of a head; longer ones are not plain.
    public static func read(_ buffer: ByteBuffer, maximum: Int = 16 * 1024) -> Reading {
        buffer.withUnsafeReadableBytes { bytes in
            var cursor = Cursor(bytes: UnsafeRawBufferPointer(rebasing: bytes.prefix(maximum)))
            do throws(Stop) {
                let head = try cursor.head(maximumHeaders)
                return .head(head, length: cursor.index)
            } catch {
                switch error {
                case .other: return .other
                case .end: return bytes.count >= maximum ? .other : .incomplete
                }
            }
        }
    }

    private enum Stop: Error {
        /// The bytes end here.
        case end
        case other
    }

    private struct Cursor {
        let bytes: UnsafeRawBufferPointer
        var index = 0

        mutating func head(_ maximumHeaders: Int) throws(Stop) -> HTTPRequestHead {
            let method = try method()
            let start = index
            guard try peek() == UInt8(ascii: "/") else { throw .other }
            try skip { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }
            let target = text(start..<index)
            try expect(" HTTP/1.1\r\n")
            var headers = HTTPHeaders()
            headers.reserveCapacity(12)
            var count = 0
            while try peek() != UInt8(ascii: "\r") {
                count += 1
                guard count <= maximumHeaders else { throw .other }
                let header = try header()
                headers.add(name: header.name, value: header.value)
            }
            try expect("\r\n")
            return HTTPRequestHead(version: .http1_1, method: method, uri: target, headers: headers)
        }

        private mutating func method() throws(Stop) -> HTTPMethod {
            switch try peek() {
            case UInt8(ascii: "G"):
                try expect("GET ")
                return .GET
            case UInt8(ascii: "P"):
                guard index + 1 < bytes.count else { throw .end }
                let isPost = bytes[index + 1] == UInt8(ascii: "O")
                try expect(isPost ? "POST " : "PUT ")
                return isPost ? .POST : .PUT
            default: throw .other
            }
        }

        private mutating func header() throws(Stop) -> (name: String, value: String) {
            let start = index
            try skip(Self.isToken)
            guard index > start else { throw .other }
            let name = text(start..<index)
            try expect(":")
            try skip { $0 == 0x20 || $0 == 0x09 }
            let first = index
            try skip { ($0 >= 0x20 && $0 != 0x7F) || $0 == 0x09 }
            var end = index
            while end > first, bytes[end - 1] == 0x20 || bytes[end - 1] == 0x09 { end -= 1 }
            let value = text(first..<end)
            try expect("\r\n")
            // A line that begins with a blank would go on with this one (RFC 9112 section 5.2).
            return (name, value)
        }

        /// RFC 9110 section 5.6.2.
        private static func isToken(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                return true
            case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"),
                UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "."), UInt8(ascii: "^"),
                UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
                return true
            default: return false
            }
        }

        private func peek() throws(Stop) -> UInt8 {
            guard index < bytes.count else { throw .end }
            return bytes[index]
        }

        /// Goes on while `condition` holds, and stands at the first byte for which it does not.
        private mutating func skip(_ condition: (UInt8) -> Bool) throws(Stop) {
            while index < bytes.count {
                guard condition(bytes[index]) else { return }
                index += 1
            }
            throw .end
        }

        private mutating func expect(_ text: StaticString) throws(Stop) {
            let wanted = UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
            for byte in wanted {
                guard try peek() == byte else { throw .other }
                index += 1
            }
        }

        private func text(_ range: Range<Int>) -> String {
            String(decoding: UnsafeRawBufferPointer(rebasing: bytes[range]), as: UTF8.self)
        }
    }
}
