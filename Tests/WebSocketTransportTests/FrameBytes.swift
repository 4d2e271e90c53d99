import CrierTesting
import NIOCore
import WebSocketTransport

/// What a reader made of some bytes, with the violation it ended in.
struct Reading: Equatable {
    var events: [WebSocketFrameReader.Event] = []
    var failure: WebSocketCloseCode?
}

/// Feeds chunks to a fresh reader until one breaks a rule.
func read(
    _ chunks: [[UInt8]], as role: WebSocketRole = .server, limits: WebSocketLimits = WebSocketLimits(),
    compression: PerMessageDeflate? = nil
) -> Reading {
    var reader = WebSocketFrameReader(role: role, limits: limits, compression: compression)
    var reading = Reading()
    for chunk in chunks {
        var buffer = ByteBuffer(bytes: chunk)
        do throws(WebSocketError) {
            while let event = try reader.next(from: &buffer) { reading.events.append(event) }
        } catch {
            reading.failure = error.closeCode
            return reading
        }
    }
    return reading
}

/// A frame built by hand, so that it can be wrong; masked as a client's unless told otherwise.
func frame(
    _ first: UInt8, _ payload: [UInt8] = [], length: [UInt8]? = nil, key: [UInt8]? = [0x37, 0xFA, 0x21, 0x3D]
) -> [UInt8] {
    var bytes = [first]
    let maskBit: UInt8 = key == nil ? 0 : 0x80
    if var length {
        length[0] |= maskBit
        bytes += length
    } else if payload.count < 126 {
        bytes.append(maskBit | UInt8(payload.count))
    } else if payload.count < 65_536 {
        bytes += [maskBit | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
    } else {
        bytes.append(maskBit | 127)
        bytes += (0..<8).reversed().map { UInt8(truncatingIfNeeded: payload.count >> ($0 * 8)) }
    }
    guard let key else { return bytes + payload }
    return bytes + key + payload.enumerated().map { $0.element ^ key[$0.offset % 4] }
}

/// The bytes in pieces of up to 64, or one by one.
func cut(_ bytes: [UInt8], _ random: inout SeededGenerator) -> [[UInt8]] {
    guard Int.random(in: 0..<4, using: &random) > 0 else { return bytes.map { [$0] } }
    var pieces: [[UInt8]] = []
    var start = 0
    while start < bytes.count {
        let end = min(bytes.count, start + Int.random(in: 1...64, using: &random))
        pieces.append(Array(bytes[start..<end]))
        start = end
    }
    return pieces
}

func buffer(_ text: String) -> ByteBuffer { ByteBuffer(string: text) }
