/// How the alerts of a load run are shared out among its publishers, one for each server. What one of them publishes stays in order; what
/// two publish may reach the log in any. So each has numbers of its own, a lane.
struct AlertLanes: Equatable, Sendable {
    let count: Int

    /// Which lane an alert is in, and the how manieth of the lane it is, from 1.
    func place(of number: UInt32) -> (lane: Int, index: UInt32) {
        let (turn, lane) = Int(number - 1).quotientAndRemainder(dividingBy: count)
        return (lane, UInt32(turn) + 1)
    }

    /// The number of an alert that is in that place.
    func number(ofLane lane: Int, index: UInt32) -> UInt32 {
        UInt32(truncatingIfNeeded: (Int(index) - 1) * count + lane + 1)
    }
}

/// A reader's checks, one for each lane.
struct LaneChecks: Equatable, Sendable {
    /// The first lane's; most runs have no other.
    var first = NumberCheck()
    private var others: [NumberCheck] = []

    mutating func take(_ index: UInt32, ofLane lane: Int) -> NumberCheck.Outcome {
        guard lane > 0 else { return first.take(index) }
        while others.count < lane { others.append(NumberCheck()) }
        return others[lane - 1].take(index)
    }

    /// The number that is due in that lane.
    func due(ofLane lane: Int) -> UInt32 {
        if lane == 0 { return first.next }
        return lane <= others.count ? others[lane - 1].next : 1
    }
}
