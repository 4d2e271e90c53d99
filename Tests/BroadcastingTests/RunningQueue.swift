import CoreMetrics
import MessageBus

@testable import Broadcasting

/// Runs a queue for as long as the body and until it has finished, also where the body throws.
///
/// - Parameter release: lets a bus go on that holds publishing up, so that the queue can finish.
func withQueue(
    on bus: any MessageBus, capacity: Int = 10_000, batch: Int = 256, release: () -> Void = {},
    _ body: (PublishQueue) async throws -> Void
) async throws {
    let queue = PublishQueue(bus: bus, capacity: capacity, batch: batch, metrics: NOOPMetricsHandler.instance)
    try await withThrowingTaskGroup(of: Void.self) { group in
        defer {
            release()
            queue.close()
        }
        group.addTask { await queue.run() }
        try await body(queue)
    }
}

/// The same on a bus that holds publishing up.
func withQueue(
    capacity: Int = 10_000, batch: Int = 256, _ body: (PublishQueue, GatedBus) async throws -> Void
) async throws {
    let bus = GatedBus()
    try await withQueue(on: bus, capacity: capacity, batch: batch, release: bus.goOn) { try await body($0, bus) }
}
