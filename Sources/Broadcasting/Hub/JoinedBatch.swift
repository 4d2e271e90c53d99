import NIOCore

/// A batch's bytes as its audiences get them: those that selected the same alerts in the same form share one buffer, joined once.
///
/// A selection is a number: what follows from another selection by one more alert. Audiences are asked alert by alert, so those that differ in topics
/// which the batch does not have, nearly all of many, take the same steps, and each step is looked up once.
struct JoinedBatch {
    typealias Selection = Int

    /// The selection of no alert.
    static let nothing: Selection = 0

    private struct Step: Hashable {
        let from: Selection
        let alert: Int
    }

    private struct Key: Hashable {
        let selection: Selection
        let form: WireForm
    }

    private let alerts: [EncodedAlert]
    private let allocator: ByteBufferAllocator
    /// The step that leads to each selection, and how many alerts it has.
    private var selections: [(step: Step, count: Int)] = [(Step(from: 0, alert: -1), 0)]
    private var steps: [Step: Selection] = [:]
    private var lastStep: (step: Step, to: Selection)?
    private var joined: [Key: ByteBuffer] = [:]
    private var lastJoined: (key: Key, bytes: ByteBuffer)?

    init(_ alerts: [EncodedAlert], allocator: ByteBufferAllocator) {
        self.alerts = alerts
        self.allocator = allocator
    }

    /// The selection that has one more alert.
    ///
    /// - Parameter index: the alert's place in the batch, after those that are selected already.
    mutating func adding(_ index: Int, to selection: Selection) -> Selection {
        let step = Step(from: selection, alert: index)
        if let lastStep, lastStep.step == step { return lastStep.to }
        let next: Selection
        if let known = steps[step] {
            next = known
        } else {
            next = selections.count
            selections.append((step, selections[selection].count + 1))
            steps[step] = next
        }
        lastStep = (step, next)
        return next
    }

    /// How many alerts a selection has.
    func count(of selection: Selection) -> Int { selections[selection].count }

    /// A selection's alerts, joined.
    mutating func bytes(of selection: Selection, in form: WireForm) -> ByteBuffer {
        let key = Key(selection: selection, form: form)
        if let lastJoined, lastJoined.key == key { return lastJoined.bytes }
        let bytes = joined[key] ?? join(key)
        lastJoined = (key, bytes)
        return bytes
    }

    private mutating func join(_ key: Key) -> ByteBuffer {
        var places: [Int] = []
        var selection = key.selection
        while selection != Self.nothing {
            places.append(selections[selection].step.alert)
            selection = selections[selection].step.from
        }
        var buffer = allocator.buffer(capacity: places.reduce(0) { $0 + alerts[$1].json.count + 32 })
        for place in places.reversed() { key.form.append(alerts[place], to: &buffer) }
        joined[key] = buffer
        return buffer
    }
}
