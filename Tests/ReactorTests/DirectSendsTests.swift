import NIOCore
import Testing

@testable import Reactor

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

@Suite(.timeLimit(.minutes(5))) struct DirectSendsTests {
    @Test("every open socket gets the bytes whole, and the others come back", arguments: [true, false], [3, 100])
    func everyone(_ usesRing: Bool, _ count: Int) async throws {
        let loop = try ReactorLoop(usesRing: usesRing)
        try await loop.submit {
            let ends = try (0..<count).map { _ in try SocketPair(on: loop) }
            let full = ends[1]
            full.fillUp()
            ends[2].socket.close()
            let sends = loop.directSends
            for (index, end) in ends.enumerated() {
                #expect(sends.gather(end.socket.directDescriptor, tag: index))
            }
            #expect(sends.gather(-1, tag: count))
            let unfinished = Self.send("one", by: sends)
            #expect(Set(unfinished.map(\.tag)) == [1, 2, count])
            #expect(unfinished.allSatisfy { $0.written == 0 })
            for end in ends where end !== full && end.socket.isOpen { #expect(end.received() == "one") }
            // Nothing is gathered twice.
            #expect(Self.send("two", by: sends).isEmpty)
            for end in ends where end !== full && end.socket.isOpen { #expect(end.received() == "") }
        }.get()
        try await loop.shutdownGracefully()
    }

    @Test(
        "what a socket does not take is said in bytes or as an error, and the rest follows in order",
        arguments: [true, false])
    func unfinished(_ usesRing: Bool) async throws {
        let loop = try ReactorLoop(usesRing: usesRing)
        let (slow, expected) = try await loop.submit {
            let ends = try (0..<20).map { _ in try SocketPair(on: loop) }
            let slow = ends[5]
            ends[9].closePeer()
            // More than the kernel's buffer takes, so that it takes a part.
            let bytes = ByteBuffer(repeating: UInt8(ascii: "x"), count: 4 << 20)
            let end = ByteBuffer(string: "end")
            for (index, end) in ends.enumerated() {
                _ = loop.directSends.gather(end.socket.directDescriptor, tag: index)
            }
            let unfinished = bytes.withUnsafeReadableBytes { loop.directSends.send($0) }
            #expect(Set(unfinished.map(\.tag)) == Set(0..<20))
            for entry in unfinished {
                let socket = ends[entry.tag].socket
                if entry.tag == 9 {
                    #expect(entry.written == -Int(EPIPE))
                } else {
                    #expect(entry.written > 0 && entry.written < bytes.readableBytes)
                }
                socket.write(bytes, after: entry.written)
                socket.write(end)
            }
            #expect(!ends[9].socket.isOpen)
            // A socket that has something pending is not written past it.
            _ = loop.directSends.gather(slow.socket.directDescriptor, tag: 5)
            #expect(Self.send("late", by: loop.directSends).map(\.written) == [0])
            return (NIOLoopBound(slow, eventLoop: loop), bytes.readableBytes + end.readableBytes)
        }.get()
        var received = 0
        while received < expected {
            received += try await loop.submit { slow.value.received().utf8.count }.get()
            await Task.yield()
        }
        #expect(received == expected)
        #expect(try await loop.submit { slow.value.socket.pendingBytes }.get() == 0)
        try await loop.shutdownGracefully()
    }

    @Test("one call does for all where the system allows it") func ring() async throws {
        let loop = try ReactorLoop()
        try await loop.submit {
            // Made and given up on this thread.
            let isAllowed = SendRing(capacity: 8) != nil
            let ends = try (0..<20).map { _ in try SocketPair(on: loop) }
            for end in ends { _ = loop.directSends.gather(end.socket.directDescriptor, tag: 0) }
            #expect(Self.send("all", by: loop.directSends).isEmpty)
            #expect(loop.directSends.sendsTogether == isAllowed)
        }.get()
        try await loop.shutdownGracefully()
    }

    private static func send(_ text: String, by sends: DirectSends) -> [DirectSends.Unfinished] {
        ByteBuffer(string: text).withUnsafeReadableBytes { sends.send($0) }
    }
}

/// A socket of a loop and the descriptor at its other end.
private final class SocketPair {
    let socket: StreamSocket
    private var peer: CInt

    init(on loop: ReactorLoop) throws {
        var ends: [CInt] = [-1, -1]
        let kind = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_NONBLOCK.rawValue)
        try #require(socketpair(AF_UNIX, kind, 0, &ends) == 0)
        peer = ends[1]
        socket = try StreamSocket(adopting: ends[0], on: loop)
    }

    deinit { closePeer() }

    func closePeer() {
        if peer >= 0 { close(peer) }
        peer = -1
    }

    /// Writes until something is pending.
    func fillUp() {
        while socket.pendingBytes == 0 { socket.write(ByteBuffer(repeating: 0, count: 1 << 16)) }
    }

    /// What has come, read away.
    func received() -> String {
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = recv(peer, &bytes, bytes.count, CInt(MSG_DONTWAIT))
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }
}
