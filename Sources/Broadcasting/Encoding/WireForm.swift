import MessageBus
import NIOCore
import WebSocketTransport

/// How a reader gets its events: what stands around the JSON of each of them. The forms are described in docs/protocol.md.
public enum WireForm: UInt8, CaseIterable, Sendable {
    /// One WebSocket text frame an event: `/ws` and `/{topics}/ws`.
    case webSocket
    /// The same with the subprotocol `cloudevents.json`: alerts only, each as one CloudEvent.
    case cloudEvents
    /// Server-Sent Events.
    case eventStream
    /// One JSON object a line.
    case jsonLines
    /// The message text of each alert on one line; other events are empty lines.
    case rawLines
    /// As `webSocket` on a socket that agreed on permessage-deflate: alerts are compressed where that makes them shorter.
    case deflatedWebSocket
    /// As `cloudEvents` on such a socket.
    case deflatedCloudEvents

    /// Whether the form is spoken on a WebSocket.
    public var isWebSocket: Bool {
        switch self {
        case .webSocket, .cloudEvents, .deflatedWebSocket, .deflatedCloudEvents: true
        case .eventStream, .jsonLines, .rawLines: false
        }
    }

    /// The form of the same content on a WebSocket that agreed on permessage-deflate; other forms stay.
    public var deflated: WireForm {
        switch self {
        case .webSocket: .deflatedWebSocket
        case .cloudEvents: .deflatedCloudEvents
        default: self
        }
    }

    /// Appends an alert.
    func append(_ alert: EncodedAlert, to buffer: inout ByteBuffer) {
        switch self {
        case .webSocket: WebSocketFrameEncoder.appendText(alert.json, to: &buffer)
        case .cloudEvents: WebSocketFrameEncoder.appendText(alert.cloudEvent, to: &buffer)
        case .eventStream:
            buffer.writeStaticString("id: ")
            buffer.writeString(alert.position.id)
            buffer.writeStaticString("\ndata: ")
            buffer.writeBytes(alert.json)
            buffer.writeStaticString("\n\n")
        case .jsonLines:
            buffer.writeBytes(alert.json)
            buffer.writeStaticString("\n")
        case .rawLines:
            buffer.writeBytes(alert.line)
            buffer.writeStaticString("\n")
        case .deflatedWebSocket:
            guard let deflated = alert.deflated else { return WireForm.webSocket.append(alert, to: &buffer) }
            WebSocketFrameEncoder.appendText(deflated, isCompressed: true, to: &buffer)
        case .deflatedCloudEvents:
            guard let deflated = alert.deflatedCloudEvent else {
                return WireForm.cloudEvents.append(alert, to: &buffer)
            }
            WebSocketFrameEncoder.appendText(deflated, isCompressed: true, to: &buffer)
        }
    }

    /// Appends an event that is not an alert. Forms that have no place for it get what keeps their stream alive.
    func append(_ event: StreamEvent, to buffer: inout ByteBuffer) {
        switch self {
        case .webSocket, .deflatedWebSocket: WebSocketFrameEncoder.appendText(event.json, to: &buffer)
        case .cloudEvents, .deflatedCloudEvents: break
        case .eventStream:
            if let id = event.cursor {
                buffer.writeStaticString("id: ")
                buffer.writeString(id.id)
                buffer.writeStaticString("\n")
            }
            if let retry = event.retryMilliseconds {
                buffer.writeString("retry: \(retry)\n")
            }
            buffer.writeStaticString("event: ")
            buffer.writeString(event.name)
            buffer.writeStaticString("\ndata: ")
            buffer.writeBytes(event.json)
            buffer.writeStaticString("\n\n")
        case .jsonLines:
            buffer.writeBytes(event.json)
            buffer.writeStaticString("\n")
        case .rawLines:
            buffer.writeStaticString("\n")
        }
    }
}
