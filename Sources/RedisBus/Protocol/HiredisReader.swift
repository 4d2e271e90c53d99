import CHiredis
import NIOCore

/// Turns the bytes that Redis sends into replies, by hiredis, and commands into the bytes to send. The one place that uses hiredis.
///
/// hiredis calls back for each part of a reply, so that no reply is built twice and that sizes are checked before anything is allocated for them:
/// whatever a peer sends, the reader throws where it is not a reply within the limits, and keeps throwing. Bound to one event loop.
final class HiredisReader {
    struct Limits: Sendable {
        /// Bytes of one reply.
        var bytes = 128 << 20
        /// Elements of one array.
        var elements = 1 << 20
        /// Arrays inside one another.
        var depth = 16
    }

    private let reader: UnsafeMutablePointer<redisReader>
    private let functions: UnsafeMutablePointer<redisReplyObjectFunctions>
    private let parts: ReplyParts
    private let limits: Limits
    /// Fed since the last complete reply.
    private var unansweredBytes = 0

    /// - Throws: `RedisFailure` where there is no memory.
    init(limits: Limits = Limits()) throws(RedisFailure) {
        let functions = UnsafeMutablePointer<redisReplyObjectFunctions>.allocate(capacity: 1)
        functions.initialize(to: Self.callbacks())
        guard let reader = redisReaderCreateWithFunctions(functions) else {
            functions.deallocate()
            throw RedisFailure(.protocolError, "there is no memory for a reader of replies")
        }
        self.functions = functions
        self.reader = reader
        self.limits = limits
        parts = ReplyParts(maximumElements: limits.elements, maximumDepth: limits.depth)
        // The reader is freed with `self`, which holds the parts.
        reader.pointee.privdata = Unmanaged.passUnretained(parts).toOpaque()
    }

    deinit {
        redisReaderFree(reader)
        functions.deallocate()
    }

    /// Takes in what came.
    func feed(_ buffer: ByteBuffer) throws(RedisFailure) {
        unansweredBytes += buffer.readableBytes
        guard unansweredBytes <= limits.bytes else {
            throw RedisFailure(.protocolError, "a reply is longer than \(limits.bytes) bytes")
        }
        let result = buffer.withUnsafeReadableBytes { bytes in
            bytes.isEmpty
                ? REDIS_OK
                : redisReaderFeed(reader, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
        }
        if result != REDIS_OK { throw failure }
    }

    /// The next reply that is complete, or `nil` until more is fed.
    func next() throws(RedisFailure) -> RESPValue? {
        var root: UnsafeMutableRawPointer?
        guard redisReaderGetReply(reader, &root) == REDIS_OK else { throw failure }
        guard root != nil else { return nil }
        unansweredBytes = 0
        return parts.takeReply()
    }

    /// The bytes of a command.
    static func encode(_ command: RedisCommand, into buffer: inout ByteBuffer) throws(RedisFailure) {
        var target: UnsafeMutablePointer<CChar>?
        let length = command.bytes.withUnsafeBytes { bytes in
            // An empty array may have no address; hiredis reads nothing from one of length 0.
            let base = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
            var start = 0
            var arguments: [UnsafePointer<CChar>?] = []
            var lengths: [Int] = []
            for end in command.ends {
                arguments.append(base.map { $0 + start })
                lengths.append(end - start)
                start = end
            }
            return Int(redisFormatCommandArgv(&target, Int32(lengths.count), &arguments, lengths))
        }
        guard length >= 0, let target else { throw RedisFailure(.protocolError, "there is no memory for a command") }
        buffer.writeBytes(UnsafeRawBufferPointer(start: target, count: length))
        redisFreeCommand(target)
    }

    private var failure: RedisFailure {
        let text = withUnsafeBytes(of: &reader.pointee.errstr) {
            String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        return RedisFailure(.protocolError, "what came is not a reply of Redis: \(text)")
    }

    /// What hiredis calls for each part; a null answer makes it give up the reply. The objects that it hands on mean nothing here, since parts come
    /// in the order in which they stand.
    private static func callbacks() -> redisReplyObjectFunctions {
        var functions = redisReplyObjectFunctions()
        functions.createString = { task, text, length in
            guard let task, let text else { return nil }
            let bytes = UnsafeRawBufferPointer(start: text, count: length)
            let value: RESPValue =
                switch task.pointee.type {
                case REDIS_REPLY_STATUS: .status(String(decoding: bytes, as: UTF8.self))
                case REDIS_REPLY_ERROR: .error(String(decoding: bytes, as: UTF8.self))
                default: .bytes([UInt8](bytes))
                }
            return ReplyParts.of(task).add(value)
        }
        functions.createArray = { task, count in
            guard let task else { return nil }
            var depth = 1
            var parent = task.pointee.parent
            while let outer = parent {
                depth += 1
                parent = outer.pointee.parent
            }
            return ReplyParts.of(task).open(elements: Int(clamping: count), depth: depth)
        }
        functions.createInteger = { task, number in task.flatMap { ReplyParts.of($0).add(.integer(number)) } }
        functions.createNil = { task in task.flatMap { ReplyParts.of($0).add(.null) } }
        functions.freeObject = { _ in }
        return functions
    }
}

@available(*, unavailable)
extension HiredisReader: Sendable {}

extension ReplyParts {
    fileprivate static func of(_ task: UnsafePointer<redisReadTask>) -> ReplyParts {
        Unmanaged<ReplyParts>.fromOpaque(task.pointee.privdata).takeUnretainedValue()
    }
}
