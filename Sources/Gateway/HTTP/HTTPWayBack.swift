import NIOConcurrencyHelpers
import NIOCore
import Synchronization

/// Brings connections of the HTTP framework on which a reader's request came to the receptions, in turn.
final class HTTPWayBack: Sendable {
    private let receptions = NIOLockedValueBox<[NIOLoopBound<Reception>]>([])
    private let turn = Atomic(0)

    /// Says where they go. Called before the first connection is taken.
    func lead(to receptions: [NIOLoopBound<Reception>]) { self.receptions.withLockedValue { $0 = receptions } }

    /// - Parameters:
    ///   - descriptor: connected and non-blocking; the reception's from now on.
    ///   - bytes: what was read after the request.
    func take(_ descriptor: CInt, _ slot: ConnectionSlot, request: ReaderRequest, then bytes: ByteBuffer) {
        let receptions = receptions.withLockedValue { $0 }
        let index = turn.wrappingAdd(1, ordering: .relaxed).oldValue
        let reception = receptions[Int(UInt(bitPattern: index) % UInt(receptions.count))]
        reception.eventLoop.execute { reception.value.takeBack(descriptor, slot, request: request, then: bytes) }
    }
}
