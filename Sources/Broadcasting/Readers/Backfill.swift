import MessageBus

/// What a reader still gets from the ring for topics that it added while it followed others already: everything after `cursor` up to `end`.
final class Backfill {
    let interest: Interest
    var cursor: Position
    let end: Position

    init(interest: Interest, cursor: Position, end: Position) {
        self.interest = interest
        self.cursor = cursor
        self.end = end
    }
}
