import CLinux

/// Which of a loop's sockets may be written by their numbers alone, for those who write the same bytes to thousands.
///
/// Its invariant, kept by ``StreamSocket``: a number is open here only while this loop's socket of that number takes writes and has nothing pending.
/// So bytes never overtake, and a number that was closed, or given to another file, is never written.
///
/// Isolation: its loop.
public final class DirectSends {
    private var isOpen: UnsafeMutableBufferPointer<Bool>

    init() {
        isOpen = .allocate(capacity: 1024)
        isOpen.initialize(repeating: false)
    }

    deinit { isOpen.deallocate() }

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

    /// Gives bytes to the kernel.
    ///
    /// - Parameter descriptor: a socket's ``StreamSocket/descriptor``.
    /// - Returns: whether all were taken. Where not, none of them was `written`, or some, and the socket has to be given the rest by
    ///   ``StreamSocket/write(_:after:)``.
    @inline(__always)
    public func send(_ bytes: UnsafeRawBufferPointer, on descriptor: CInt, written: inout Int) -> Bool {
        guard UInt32(bitPattern: descriptor) < UInt32(truncatingIfNeeded: isOpen.count), isOpen[Int(descriptor)] else {
            written = 0
            return false
        }
        written = crier_send(descriptor, bytes.baseAddress, bytes.count)
        return written == bytes.count
    }
}

@available(*, unavailable)
extension DirectSends: Sendable {}
