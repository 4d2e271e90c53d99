import NIOCore
import Reactor

/// Something that lives on a loop, to be handed around by others.
struct LoopBound<Value>: Sendable {
    private let loop: ReactorLoop
    private let bound: NIOLoopBound<Value>

    static func make(on loop: ReactorLoop, _ body: @escaping @Sendable () -> Value) async throws -> LoopBound<Value> {
        LoopBound(loop: loop, bound: try await loop.submit { NIOLoopBound(body(), eventLoop: loop) }.get())
    }

    /// Does it on the loop and waits for what comes of it.
    func value<Result: Sendable>(_ body: @escaping @Sendable (Value) -> Result) async throws -> Result {
        try await loop.submit { body(bound.value) }.get()
    }

    /// Does it at once where the caller is on the loop, else when the loop comes to it.
    func whenThere(_ body: @escaping @Sendable (Value) -> Void) {
        if loop.inEventLoop { body(bound.value) } else { loop.execute { body(bound.value) } }
    }
}
