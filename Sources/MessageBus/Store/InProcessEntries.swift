/// The entries of an `InProcessStore` as a value, apart from locks and clocks.
///
/// A binary heap by when they expire, so that those whose time is over are found without a search; each name knows its place in it.
struct InProcessEntries: Sendable {
    private struct Entry: Sendable {
        let name: StoreName
        var value: [UInt8]
        var expiry: WallTime

        var bytes: Int { name.key.utf8.count + value.count }
    }

    /// How many whose time is over are let go at once, so that no call takes long; more than one, so that they do not gather.
    private static let sweep = 100

    private let capacity: InProcessStore.Capacity
    private var heap: [Entry] = []
    private var places: [StoreCollection: [String: Int]] = [:]
    private(set) var bytes = 0

    init(capacity: InProcessStore.Capacity) { self.capacity = capacity }

    /// The entries that take up memory; a few may have expired.
    var count: Int { heap.count }

    /// - Returns: `false` where there is no room; nothing is changed then.
    mutating func set(_ name: StoreName, _ value: [UInt8], until expiry: WallTime, now: WallTime) -> Bool {
        letGoExpired(now: now)
        let entry = Entry(name: name, value: value, expiry: expiry)
        if let place = place(of: name) {
            guard bytes - heap[place].bytes + entry.bytes <= capacity.bytes else { return false }
            bytes += entry.bytes - heap[place].bytes
            heap[place] = entry
            settle(place)
        } else {
            guard heap.count < capacity.entries, bytes + entry.bytes <= capacity.bytes else { return false }
            bytes += entry.bytes
            heap.append(entry)
            settle(heap.count - 1)
        }
        return true
    }

    func value(of name: StoreName, now: WallTime) -> [UInt8]? {
        guard let place = place(of: name), heap[place].expiry > now else { return nil }
        return heap[place].value
    }

    mutating func extend(_ name: StoreName, until expiry: WallTime, now: WallTime) -> Bool {
        letGoExpired(now: now)
        guard let place = place(of: name), heap[place].expiry > now else { return false }
        if expiry > heap[place].expiry {
            heap[place].expiry = expiry
            settle(place)
        }
        return true
    }

    mutating func remove(_ name: StoreName, now: WallTime) -> Bool {
        guard let place = place(of: name) else { return false }
        let wasLive = heap[place].expiry > now
        remove(at: place)
        return wasLive
    }

    /// The keys of a collection that come after `key`, in no order; some may have expired.
    func keys(of collection: StoreCollection, after key: String?) -> [String] {
        guard let keys = places[collection]?.keys else { return [] }
        guard let key else { return Array(keys) }
        return keys.filter { $0 > key }
    }

    private mutating func letGoExpired(now: WallTime) {
        for _ in 0..<Self.sweep {
            guard let first = heap.first, first.expiry <= now else { return }
            remove(at: 0)
        }
    }
}

// The heap.
extension InProcessEntries {
    private func place(of name: StoreName) -> Int? { places[name.collection]?[name.key] }

    private mutating func setPlace(_ place: Int?, of name: StoreName) {
        places[name.collection, default: [:]][name.key] = place
        if places[name.collection]?.isEmpty == true { places[name.collection] = nil }
    }

    private mutating func remove(at place: Int) {
        let gone = heap[place]
        heap.swapAt(place, heap.count - 1)
        heap.removeLast()
        bytes -= gone.bytes
        setPlace(nil, of: gone.name)
        if place < heap.count { settle(place) }
    }

    /// Brings the entry at `place`, which may have changed, to where it belongs, and notes where that is.
    private mutating func settle(_ place: Int) {
        var place = place
        while place > 0, heap[place].expiry < heap[(place - 1) / 2].expiry {
            move(&place, to: (place - 1) / 2)
        }
        while let child = earlierChild(of: place), heap[child].expiry < heap[place].expiry {
            move(&place, to: child)
        }
        setPlace(place, of: heap[place].name)
    }

    private mutating func move(_ place: inout Int, to other: Int) {
        heap.swapAt(place, other)
        setPlace(place, of: heap[place].name)
        place = other
    }

    private func earlierChild(of place: Int) -> Int? {
        let left = 2 * place + 1
        guard left < heap.count else { return nil }
        return left + 1 < heap.count && heap[left + 1].expiry < heap[left].expiry ? left + 1 : left
    }
}
