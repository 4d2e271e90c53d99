import CLinux
import DequeModule
import NIOCore

/// What only a loop's own thread touches.
final class LoopCore {
    /// Tasks that the loop's own code left for the next turn.
    var tasks: Deque<() -> Void> = []
    var timers = Timers()
    let directSends: DirectSends
    var isStopping = false
    /// Descriptors that are closed at the end of the turn. Until then their numbers cannot be given to others.
    var ending: [PolledDescriptor] = []
    /// Room for what epoll tells in one turn.
    var events = [epoll_event](repeating: epoll_event(), count: 512)
    var scratch = ByteBufferAllocator().buffer(capacity: LoopCore.scratchSize)

    /// By their numbers, which the system keeps small.
    private var descriptors: ContiguousArray<PolledDescriptor?> = []
    /// Counts registrations, so that an event that was told for an earlier one of the same number is not taken for the present one's.
    private var generation: UInt32 = 0

    /// Bytes that one receive may bring.
    static let scratchSize = 64 * 1024

    init(usesRing: Bool) { directSends = DirectSends(usesRing: usesRing) }

    func add(_ descriptor: PolledDescriptor) -> UInt64 {
        let index = Int(descriptor.number)
        if index >= descriptors.count {
            descriptors.append(contentsOf: repeatElement(nil, count: index + 1 - descriptors.count))
        }
        generation &+= 1
        descriptor.generation = generation
        descriptors[index] = descriptor
        return token(of: descriptor)
    }

    func token(of descriptor: PolledDescriptor) -> UInt64 {
        // The alarm's token is all ones, which no descriptor's number reaches.
        UInt64(descriptor.generation) << 32 | UInt64(UInt32(bitPattern: descriptor.number))
    }

    func descriptor(of token: UInt64) -> PolledDescriptor? {
        let index = Int(token & 0xFFFF_FFFF)
        guard index < descriptors.count, let found = descriptors[index], found.generation == UInt32(token >> 32)
        else { return nil }
        return found
    }

    func forget(_ descriptor: PolledDescriptor) {
        let index = Int(descriptor.number)
        if index < descriptors.count, descriptors[index] === descriptor { descriptors[index] = nil }
    }

    /// Closes those whose end has come; what their handlers close in turn is closed too.
    func bury() {
        while !ending.isEmpty {
            let batch = ending
            ending.removeAll(keepingCapacity: true)
            for descriptor in batch {
                forget(descriptor)
                descriptor.end()
            }
        }
    }

    func closeAll() {
        for case let descriptor? in descriptors { descriptor.close() }
        bury()
    }
}
