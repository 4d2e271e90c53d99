import MessageBus
import NIOCore
import StrictJSON

/// What stands in a reader's stream.
enum ReaderEvent {
    case alert(Position, number: Int?, healedFrom: Position?)
    /// Another event, by its name.
    case event(String, JSONObject)
    /// The answer to `subscribe`, with the reader's cursor.
    case subscribed(Position)
    /// A WebSocket ping, with what the pong has to carry.
    case ping(ByteBuffer)
    /// A WebSocket close frame.
    case close(code: Int?)
    /// Neither an event nor a frame.
    case malformed

    /// Reads the JSON of an event. An alert's begins with its id, and is searched instead of parsed: there are many.
    init(json: UnsafeRawBufferPointer) {
        if Self.idPrefix.begins(json) {
            guard let position = Self.position(json, at: Self.idPrefix.count) else {
                self = .malformed
                return
            }
            let rest = UnsafeRawBufferPointer(rebasing: json[(Self.idPrefix.count + Position.idLength)...])
            let healedFrom = Self.healedPrefix.begins(rest) ? Self.position(rest, at: Self.healedPrefix.count) : nil
            self = .alert(position, number: AlertNumber.find(in: rest), healedFrom: healedFrom)
        } else if let object = try? JSONValue.parse(Array(json)).objectValue, let name = object["event"]?.stringValue {
            if name == "ack", let id = object["id"]?.stringValue, let position = Position(id: id) {
                self = .subscribed(position)
            } else {
                self = .event(name, object)
            }
        } else {
            self = .malformed
        }
    }

    private static func position(_ json: UnsafeRawBufferPointer, at start: Int) -> Position? {
        guard json.count >= start + Position.idLength else { return nil }
        return Position(id: String(decoding: json[start..<(start + Position.idLength)], as: UTF8.self))
    }

    private static let idPrefix = ByteNeedle(#"{"id":""#)
    private static let healedPrefix = ByteNeedle(#"","healed_from":""#)
}

/// How a reader reads: takes a stream's bytes apart. It trusts the server's frames, whose form other tests check.
enum ReaderStream: Sendable, CaseIterable {
    /// `GET /ws`.
    case webSocket
    /// `GET /*/sse`.
    case eventStream

    /// The request that opens the stream.
    func request(since: Position?, port: Int) -> String {
        switch self {
        case .webSocket:
            "GET /ws HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        case .eventStream:
            "GET /*/sse HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n"
                + (since.map { "Last-Event-ID: \($0.id)\r\n" } ?? "") + "\r\n"
        }
    }

    /// The status line's beginning when the server agrees.
    var agreement: String { self == .webSocket ? "HTTP/1.1 101" : "HTTP/1.1 200" }

    /// Takes the next event; `nil` where more bytes are needed.
    func next(_ bytes: inout ByteBuffer) -> ReaderEvent? {
        switch self {
        case .webSocket: Self.nextFrame(&bytes)
        case .eventStream: Self.nextData(&bytes)
        }
    }

    /// RFC 6455 section 5.2, as a server sends it: unmasked, unfragmented.
    private static func nextFrame(_ bytes: inout ByteBuffer) -> ReaderEvent? {
        while let header = bytes.getInteger(at: bytes.readerIndex, as: UInt16.self) {
            var length = Int(header & 0x7F)
            var start = 2
            if length == 126 {
                guard let extended = bytes.getInteger(at: bytes.readerIndex + 2, as: UInt16.self) else { return nil }
                length = Int(extended)
                start = 4
            } else if length == 127 {
                return .malformed
            }
            guard bytes.readableBytes >= start + length else { return nil }
            bytes.moveReaderIndex(forwardBy: start)
            guard var payload = bytes.readSlice(length: length) else { return nil }
            switch header >> 8 & 0x0F {
            case 0x1: return payload.withUnsafeReadableBytes { ReaderEvent(json: $0) }
            case 0x8: return .close(code: payload.readInteger(as: UInt16.self).map(Int.init))
            case 0x9: return .ping(payload)
            default: continue
            }
        }
        return nil
    }

    /// The next line with data (WHATWG HTML, section 9.2): each event has one, and its JSON says everything that the other lines say.
    private static func nextData(_ bytes: inout ByteBuffer) -> ReaderEvent? {
        while let end = bytes.readableBytesView.firstIndex(of: UInt8(ascii: "\n")) {
            guard var line = bytes.readSlice(length: end - bytes.readerIndex) else { return nil }
            bytes.moveReaderIndex(forwardBy: 1)
            let isData = line.withUnsafeReadableBytes { dataPrefix.begins($0) }
            guard isData else { continue }
            line.moveReaderIndex(forwardBy: dataPrefix.count)
            return line.withUnsafeReadableBytes { ReaderEvent(json: $0) }
        }
        return nil
    }

    private static let dataPrefix = ByteNeedle("data: ")
}
