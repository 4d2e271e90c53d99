import NIOCore

/// Which alerts the readers of one loop have. It counts in place and allocates nothing for an alert.
struct AlertBook {
    /// An alert that may be on its way.
    private struct Slot {
        var marker = AlertMarker.none
        var due = NIODeadline.distantPast
        /// How many of the readers have it, or have missed it.
        var seen: UInt32 = 0
    }

    private let form: LoadPlan.Form
    private let run: LoadRunName
    private let lanes: AlertLanes
    private let ledger: Ledger

    private(set) var counts = ReaderCounts()
    private(set) var latencies = Latencies()
    private var slots = [Slot](repeating: Slot(), count: Ledger.capacity)
    private var finder: MarkerFinder
    /// The alerts up to this one are in their slots.
    private var known: UInt32 = 0
    /// Readers that are there.
    private var readers: UInt32 = 0

    /// All readers here have the alerts up to this one.
    private(set) var finished: UInt32 = 0
    /// The newest alert that any of them has.
    private(set) var sighted: UInt32 = 0
    /// Whether an alert has come to the first or to the last of the readers since this was last set to `false`.
    var hasMoved = false

    init(_ form: LoadPlan.Form, _ run: LoadRunName, _ lanes: AlertLanes, _ ledger: Ledger) {
        self.form = form
        self.run = run
        self.lanes = lanes
        self.ledger = ledger
        finder = MarkerFinder(run)
    }

    // MARK: Readers

    mutating func join() {
        counts.opened += 1
        readers += 1
    }

    /// A reader has gone: nobody waits for what it does not have any more.
    mutating func leave(_ checks: LaneChecks, _ reason: String) {
        counts.closed += 1
        if counts.complaints.count < ReaderCounts.mostComplaints { counts.complaints.append(reason) }
        for number in stride(from: finished + 1, through: known, by: 1) {
            let (lane, index) = lanes.place(of: number)
            if index < checks.due(ofLane: lane) { slots[Int(number) % Ledger.capacity].seen -= 1 }
        }
        readers -= 1
        advance(0)
    }

    // MARK: Alerts

    /// Takes the alerts that a reader's bytes begin with.
    ///
    /// - Parameters:
    ///   - place: where to begin; then, where what has not been taken begins.
    ///   - checks: the reader's.
    ///   - time: when the bytes were read.
    /// - Returns: the first that is no alert of this run, which is taken too; `nil` where more bytes have to come.
    mutating func takeAlerts(
        of bytes: UnsafeRawBufferPointer, from place: inout Int, for checks: inout LaneChecks, at time: NIODeadline
    ) -> StreamPiece? {
        var alerts = 0
        defer {
            counts.deliveries += alerts
            if alerts > 0 { counts.reads += 1 }
        }
        while let piece = form == .ws ? StreamPiece.frame(in: bytes, at: place) : .event(in: bytes, at: place) {
            place = piece.end
            guard piece.kind == .text, take(piece.payload(of: bytes), for: &checks, at: time) else { return piece }
            alerts += 1
        }
        return nil
    }

    /// - Returns: whether it is an alert of this run.
    private mutating func take(
        _ text: UnsafeRawBufferPointer, for checks: inout LaneChecks, at time: NIODeadline
    ) -> Bool {
        guard let place = finder.place(in: text) else { return false }
        let marker = AlertMarker(text, at: place)
        let due = lanes.number(ofLane: 0, index: checks.first.next)
        guard slots[Int(due) % Ledger.capacity].marker == marker else {
            return takeOther(marker, for: &checks, at: time)
        }
        checks.first.takeNext()
        saw(due, at: time)
        return true
    }

    /// An alert that is not the next of the first lane, or the first of its number to come here.
    private mutating func takeOther(
        _ marker: AlertMarker, for checks: inout LaneChecks, at time: NIODeadline
    ) -> Bool {
        guard let number = marker.number(in: run), number > 0 else { return false }
        if number > known { learn() }
        guard number <= known else { return false }
        let (lane, index) = lanes.place(of: number)
        switch checks.take(index, ofLane: lane) {
        case .next: saw(number, at: time)
        case .gap(let from, let count):
            counts.lost += Int(count)
            for missing in from..<from + count { pass(lanes.number(ofLane: lane, index: missing)) }
            saw(number, at: time)
        case .late:
            counts.lost -= 1
            counts.reordered += 1
        case .repeated: counts.duplicated += 1
        }
        return true
    }

    /// Fills the slots of the alerts that have been published since the last time.
    private mutating func learn() {
        ledger.forEach(after: known) { number, due in
            slots[Int(number) % Ledger.capacity] = Slot(marker: AlertMarker(run: run, number: number), due: due)
            known = number
        }
    }

    private mutating func saw(_ number: UInt32, at time: NIODeadline) {
        latencies.record(nanoseconds: (time - slots[Int(number) % Ledger.capacity].due).nanoseconds)
        pass(number)
    }

    private mutating func pass(_ number: UInt32) {
        let slot = Int(number) % Ledger.capacity
        slots[slot].seen += 1
        let seen = slots[slot].seen
        if seen == 1 || seen >= readers { advance(number) }
    }

    private mutating func advance(_ number: UInt32) {
        sighted = max(sighted, number)
        while finished < known && slots[Int(finished + 1) % Ledger.capacity].seen >= readers { finished += 1 }
        hasMoved = true
    }

    // MARK: Counts

    /// Deliveries that have not come.
    mutating func missing() -> Int {
        learn()
        return stride(from: finished + 1, through: known, by: 1).reduce(0) { missing, number in
            missing + Int(readers) - Int(slots[Int(number) % Ledger.capacity].seen)
        }
    }

    /// Latencies are recorded anew.
    mutating func forgetLatencies() { latencies.reset() }
}
