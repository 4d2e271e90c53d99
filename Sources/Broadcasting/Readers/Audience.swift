import MessageBus
import NIOCore
import Reactor

/// The readers of a shard that get the same bytes: same interest, same form. A batch is filtered once for all of them.
final class Audience {
    struct Key: Hashable {
        let interest: Interest
        let form: WireForm
    }

    let key: Key
    private(set) var members: ContiguousArray<Reader> = []
    /// What a fan-out needs of each member, side by side, so that it need not touch the members themselves.
    private var places: ContiguousArray<Place> = []
    /// What the batch in hand has for it, as `JoinedBatch` knows it.
    var selection = JoinedBatch.nothing
    /// Whether all alerts of its topics are for it.
    let isUnfiltered: Bool
    /// How many readers are bound to it, live or not.
    var bound = 0

    private struct Place {
        /// For `DirectSends`; -1 where the member has to be written by its writer.
        let descriptor: CInt
        /// The number of the newest batch that it has.
        var batch: UInt64
    }

    init(_ key: Key) {
        self.key = key
        isUnfiltered = key.interest.filter == AlertFilter()
    }

    var interest: Interest { key.interest }

    /// - Parameter batch: the number of the newest batch that it has, from the ring.
    func join(_ reader: Reader, having batch: UInt64) {
        reader.audienceIndex = Int32(members.count)
        members.append(reader)
        places.append(Place(descriptor: reader.writer.directDescriptor, batch: batch))
    }

    /// Takes a reader out; the last one takes its place.
    func leave(_ reader: Reader) {
        let index = Int(reader.audienceIndex)
        guard index >= 0 else { return }
        let last = members.removeLast()
        let lastPlace = places.removeLast()
        if last !== reader {
            members[index] = last
            places[index] = lastPlace
            last.audienceIndex = Int32(index)
        }
        reader.audienceIndex = -1
    }

    /// Whether a member has a batch.
    func hasBatch(_ number: UInt64, _ reader: Reader) -> Bool {
        let index = Int(reader.audienceIndex)
        return index >= 0 && places[index].batch == number
    }

    /// Counts a batch as given to a member.
    ///
    /// - Returns: `false` where it has it already.
    func mark(_ index: Int, _ number: UInt64) -> Bool {
        guard places[index].batch != number else { return false }
        places[index].batch = number
        return true
    }

    /// What ``send(_:_:below:budget:by:)`` comes to.
    struct Sending {
        /// The member at which it ended: those from here on have the batch, but for `unfinished`.
        var index: Int
        /// How many were written to whole.
        var written: Int
        /// The member at `index` was not written whole: so much was, or less than 0 for an error.
        var unfinished: Int?
    }

    /// Writes a batch's bytes to members, from `below` downward, until one does not take them whole.
    func send(
        _ bytes: UnsafeRawBufferPointer, _ number: UInt64, below: Int, budget: Int, by sends: DirectSends
    ) -> Sending {
        places.withUnsafeMutableBufferPointer { places in
            var sending = Sending(index: below, written: 0)
            while sending.index > 0 && sending.written < budget {
                sending.index -= 1
                let place = places[sending.index]
                if place.batch == number { continue }
                places[sending.index].batch = number
                var count = 0
                guard sends.send(bytes, on: place.descriptor, written: &count) else {
                    sending.unfinished = count
                    return sending
                }
                sending.written += 1
            }
            return sending
        }
    }
}
