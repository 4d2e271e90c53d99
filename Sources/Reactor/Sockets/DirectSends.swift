import CLinux

/// Writes the same bytes to thousands of a loop's sockets by their numbers alone.
///
/// Sockets are gathered and then given the bytes together, by one system call where the kernel allows it (io_uring) and by one `send` each
/// where not.
///
/// Its invariant, kept by ``StreamSocket``: a number is open here only while this loop's socket of that number takes writes and has nothing pending.
/// So bytes never overtake, and a number that was closed, or given to another file, is never written.
///
/// Isolation: its loop.
public final class DirectSends {
    /// A socket that did not take the bytes whole.
    public struct Unfinished {
        /// What it was gathered by.
        public let tag: Int
        /// So much was written, or a negative error code. The socket has to be given the rest by ``StreamSocket/write(_:after:)``.
        public let written: Int
    }

    /// So many sockets may be gathered at a time.
    public static let capacity = 128
    /// Fewer than this are cheaper by a call each.
    private static let worthOneCall = 8

    private var isOpen: UnsafeMutableBufferPointer<Bool>
    private let descriptors = UnsafeMutablePointer<CInt>.allocate(capacity: capacity)
    private let tags = UnsafeMutablePointer<Int>.allocate(capacity: capacity)
    private let results = UnsafeMutablePointer<CInt>.allocate(capacity: capacity)
    private var gathered = 0
    private var closed: [Unfinished] = []
    private var ring: SendRing?
    /// Whether sockets were written by one call.
    var sendsTogether: Bool { ring != nil }
    private var wantsRing: Bool

    /// - Parameter usesRing: whether io_uring is tried.
    init(usesRing: Bool) {
        wantsRing = usesRing
        isOpen = .allocate(capacity: 1024)
        isOpen.initialize(repeating: false)
    }

    deinit {
        isOpen.deallocate()
        descriptors.deallocate()
        tags.deallocate()
        results.deallocate()
    }

    func set(_ descriptor: CInt, open: Bool) {
        let index = Int(descriptor)
        if index >= isOpen.count { grow(beyond: index) }
        isOpen[index] = open
    }

    private func grow(beyond index: Int) {
        let larger = UnsafeMutableBufferPointer<Bool>.allocate(capacity: max(index + 1, isOpen.count * 2))
        larger.initialize(repeating: false)
        _ = larger.update(fromContentsOf: isOpen)
        isOpen.deallocate()
        isOpen = larger
    }

    /// Counts a socket among those of the next ``send(_:)``.
    ///
    /// - Parameters:
    ///   - descriptor: a socket's ``StreamSocket/directDescriptor``, or -1 for one that is not written here: it comes back with nothing written.
    ///   - tag: tells it from others.
    /// - Returns: whether there is room for more.
    @inline(__always)
    public func gather(_ descriptor: CInt, tag: Int) -> Bool {
        guard UInt32(bitPattern: descriptor) < UInt32(truncatingIfNeeded: isOpen.count), isOpen[Int(descriptor)] else {
            closed.append(Unfinished(tag: tag, written: 0))
            return closed.count + gathered < Self.capacity
        }
        descriptors[gathered] = descriptor
        tags[gathered] = tag
        gathered += 1
        return closed.count + gathered < Self.capacity
    }

    /// Gives bytes to the kernel for all sockets that were gathered. None is gathered afterwards.
    ///
    /// - Returns: those that did not take them whole.
    public func send(_ bytes: UnsafeRawBufferPointer) -> [Unfinished] {
        var unfinished = closed
        closed.removeAll(keepingCapacity: true)
        let count = gathered
        gathered = 0
        if count >= Self.worthOneCall && wantsRing { sendTogether(bytes, count) } else { sendEach(bytes, count) }
        for index in 0..<count where Int(results[index]) != bytes.count {
            unfinished.append(Unfinished(tag: tags[index], written: Int(results[index])))
        }
        return unfinished
    }

    private func sendEach(_ bytes: UnsafeRawBufferPointer, _ count: Int) {
        for index in 0..<count {
            results[index] = CInt(truncatingIfNeeded: crier_send(descriptors[index], bytes.baseAddress, bytes.count))
        }
    }

    /// Opens what many sockets are written by at once. On the thread that writes, before it does.
    func prepare() {
        if wantsRing { ring = SendRing(capacity: Self.capacity) }
        wantsRing = ring != nil
    }

    private func sendTogether(_ bytes: UnsafeRawBufferPointer, _ count: Int) {
        guard let isComplete = ring?.send(bytes, on: descriptors, count: count, results: results) else {
            wantsRing = false
            return sendEach(bytes, count)
        }
        guard !isComplete else { return }
        ring = nil
        wantsRing = false
        for index in 0..<count where Int(results[index]) == CRIER_NOT_SENT {
            results[index] = CInt(truncatingIfNeeded: crier_send(descriptors[index], bytes.baseAddress, bytes.count))
        }
    }
}

@available(*, unavailable)
extension DirectSends: Sendable {}
