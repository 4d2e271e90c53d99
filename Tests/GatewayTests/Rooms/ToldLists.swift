import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

@testable import Gateway

/// What someone in a room was told.
final class ToldLists: Sendable {
    let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
    private let lists = NIOLockedValueBox<[[Person]]>([])

    /// The lists so far.
    var all: [[Person]] { lists.withLockedValue { $0 } }

    /// The names of the last list.
    var last: [String]? { lists.withLockedValue { $0.last?.map(\.name) } }

    func enter(_ room: Room, as name: String, in book: PresenceBook) -> Stay {
        book.enter(room, as: name, on: eventLoop) { people in self.lists.withLockedValue { $0.append(people) } }
    }
}
