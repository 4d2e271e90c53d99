import MessageBus
import NIOCore
import Testing

@testable import Acceptance

struct ReaderStreamTests {
    private static let alert = #"{"id":"0eJnc5000001","time":1,"event":"message","topic":"a","message":"alert 7"}"#
    private static let healed =
        #"{"id":"0eJnc6000001","healed_from":"0eJnc5000001","time":1,"event":"message","topic":"a","message":"alert 7"}"#

    private func events(_ form: ReaderStream, _ bytes: [UInt8], inPiecesOf size: Int) -> [String] {
        var buffer = ByteBuffer()
        var events: [String] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            buffer.writeBytes(rest.prefix(size))
            rest = rest.dropFirst(size)
            while let event = form.next(&buffer) {
                switch event {
                case .alert(let position, let number, let healedFrom):
                    events.append("\(position) \(number ?? -1) \(healedFrom?.id ?? "-")")
                case .event(let name, _): events.append(name)
                case .subscribed(let position): events.append("subscribed \(position)")
                case .ping: events.append("ping")
                case .close(let code): events.append("close \(code ?? 0)")
                case .malformed: events.append("malformed")
                }
            }
        }
        return events
    }

    @Test("an event stream gives the same events however it is cut", arguments: [1, 7, 1000])
    func eventStream(size: Int) {
        let text = """
            id: 0eJnc5000000
            event: open
            data: {"event":"open","id":"0eJnc5000000","vm":"vm-1"}

            id: 0eJnc5000001
            data: \(Self.alert)

            id: 0eJnc6000001
            data: \(Self.healed)

            event: drain
            retry: 5
            data: {"event":"drain","retry_ms":5}


            """
        #expect(
            events(.eventStream, Array(text.utf8), inPiecesOf: size) == [
                "open", "0eJnc5000001 7 -", "0eJnc6000001 7 0eJnc5000001", "drain",
            ])
    }

    @Test("frames give the same events however they are cut", arguments: [1, 7, 1000])
    func frames(size: Int) {
        func frame(_ first: UInt8, _ payload: [UInt8]) -> [UInt8] {
            payload.count < 126
                ? [first, UInt8(payload.count)] + payload
                : [first, 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)] + payload
        }
        let long = Self.alert.dropLast() + #","title":"\#(String(repeating: "x", count: 300))"}"#
        let bytes =
            frame(0x81, Array(#"{"event":"ack","ref":"s","topics":["*"],"id":"0eJnc5000000"}"#.utf8))
            + frame(0x81, Array(Self.alert.utf8)) + frame(0x89, [1, 2]) + frame(0x81, Array(long.utf8))
            + frame(0x81, Array("no JSON".utf8)) + frame(0x88, [0x03, 0xF4])
        #expect(
            events(.webSocket, bytes, inPiecesOf: size) == [
                "subscribed 0eJnc5000000", "0eJnc5000001 7 -", "ping", "0eJnc5000001 7 -", "malformed", "close 1012",
            ])
    }
}
