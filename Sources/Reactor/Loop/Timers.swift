import HeapModule
import NIOCore

/// A loop's tasks that have a time, the earliest first; those of one time in the order in which they came.
struct Timers {
    /// One task. Isolation: the loop.
    final class Entry: Comparable {
        let deadline: NIODeadline
        fileprivate let order: UInt64
        fileprivate var task: (() -> Void)?

        fileprivate init(deadline: NIODeadline, order: UInt64, task: @escaping () -> Void) {
            self.deadline = deadline
            self.order = order
            self.task = task
        }

        static func == (left: Entry, right: Entry) -> Bool { left === right }

        static func < (left: Entry, right: Entry) -> Bool {
            (left.deadline, left.order) < (right.deadline, right.order)
        }
    }

    private var heap = Heap<Entry>()
    private var nextOrder: UInt64 = 0
    private var cancelled = 0

    mutating func add(at deadline: NIODeadline, _ task: @escaping () -> Void) -> Entry {
        let entry = Entry(deadline: deadline, order: nextOrder, task: task)
        nextOrder += 1
        heap.insert(entry)
        return entry
    }

    /// Repeating it, or cancelling one that has run, has no effect.
    mutating func cancel(_ entry: Entry) {
        guard entry.task != nil else { return }
        entry.task = nil
        cancelled += 1
        // Cancelled ones leave when their time comes, or here, so that they never outnumber the others for long.
        if cancelled > 64 && cancelled * 2 > heap.count {
            heap = Heap(heap.unordered.filter { $0.task != nil })
            cancelled = 0
        }
    }

    /// How many are held, cancelled ones that have not left among them.
    var count: Int { heap.count }

    /// When the earliest is due.
    var next: NIODeadline? { heap.min?.deadline }

    /// Takes the earliest task that is due at `now`.
    mutating func takeDue(at now: NIODeadline) -> (() -> Void)? {
        while let first = heap.min, first.deadline <= now {
            heap.removeMin()
            guard let task = first.task else {
                cancelled -= 1
                continue
            }
            first.task = nil
            return task
        }
        return nil
    }
}
