import MessageBus
import NIOCore
import Reactor
import WebSocketTransport

extension HubShard {
    /// A second has passed. Called once a second on the shard's event loop.
    func tick() {
        ticks += 1
        tickAhead()
        isHeartbeatDue = true
        // A keepalive carries the ring's head as the reader's cursor, so it waits until the batch in hand has reached everyone.
        if fanOut == nil { sendHeartbeat() }
    }

    /// Pings the readers whose second it is and ends those that have not answered since their last one.
    func sendHeartbeat() {
        isHeartbeatDue = false
        let bucket = ticks % buckets.count
        let now = clock.now()
        let withCursor = HeartbeatBytes(cursor: ring.head, time: now)
        let withoutCursor = HeartbeatBytes(cursor: nil, time: now)
        var index = buckets[bucket].count
        while index > 0 {
            index = min(index, buckets[bucket].count) - 1
            guard index >= 0 else { break }
            let reader = buckets[bucket][index]
            guard !reader.isEnding else { continue }
            if reader.form.isWebSocket {
                // Bytes that wait for a slow reader hold its pong up: its bound on bytes and TCP's time-out are for those.
                if !reader.wasHeard && reader.writer.pendingBytes == 0 {
                    end(reader, .silent)
                    continue
                }
                reader.wasHeard = false
            }
            write((reader.phase == .live ? withCursor : withoutCursor).bytes(reader.form), to: reader)
        }
    }
}

/// One second's heartbeat in each wire form.
private struct HeartbeatBytes {
    private let forms: [ByteBuffer]

    init(cursor: Position?, time: WallTime) {
        let event = StreamEvent.keepalive(cursor: cursor, time: time)
        forms = WireForm.allCases.map { form in
            var buffer = ByteBuffer()
            if form.isWebSocket { buffer.writeImmutableBuffer(WebSocketFrameEncoder.ping()) }
            form.append(event, to: &buffer)
            return buffer
        }
    }

    func bytes(_ form: WireForm) -> ByteBuffer { forms[Int(form.rawValue)] }
}
