/// The ids of the newest alerts, as many as readers are asked to remember; the oldest make room.
struct RecentIDs: Sendable {
    static let capacity = 2_000

    private var ids: Set<AlertID> = []
    private var order: [AlertID] = []
    private var oldest = 0

    /// - Returns: whether the id is new.
    mutating func insert(_ id: AlertID) -> Bool {
        guard ids.insert(id).inserted else { return false }
        if order.count < Self.capacity {
            order.append(id)
        } else {
            ids.remove(order[oldest])
            order[oldest] = id
            oldest = (oldest + 1) % Self.capacity
        }
        return true
    }
}
