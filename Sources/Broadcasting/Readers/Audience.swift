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
        isUnfiltered = key.interest.isUnfiltered
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
        /// The members from here on have the batch, but for `unfinished`.
        var index: Int
        /// How many were given it.
        var given = 0
        /// Those that did not take it whole, and how much they did: a count, or a negative error code.
        var unfinished: [(reader: Reader, written: Int)] = []
    }

    /// Writes a batch's bytes to as many members as go together, from `below` downward.
    func send(
        _ bytes: UnsafeRawBufferPointer, _ number: UInt64, below: Int, budget: Int, by sends: DirectSends
    ) -> Sending {
        var sending = Sending(index: below)
        places.withUnsafeMutableBufferPointer { places in
            while sending.index > 0 && sending.given < budget {
                sending.index -= 1
                let place = places[sending.index]
                if place.batch == number { continue }
                places[sending.index].batch = number
                sending.given += 1
                if !sends.gather(place.descriptor, tag: sending.index) { break }
            }
        }
        let unfinished = sends.send(bytes)
        if !unfinished.isEmpty { sending.unfinished = unfinished.map { (members[$0.tag], $0.written) } }
        return sending
    }
}
