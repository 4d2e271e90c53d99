import MessageBus

/// Someone who is in a room, however many sockets they have there and on however many VMs.
///
/// Ordered by how long they have been there, then by name.
struct Person: Hashable, Comparable, Sendable {
    /// The longest name, in bytes of UTF-8.
    static let maximumName = 256

    let name: String
    /// When the earliest of their stays that lasts still began.
    let since: WallTime

    /// A name held to `maximumName`: what is over is cut off, between two Unicode scalars.
    static func held(_ name: String) -> String {
        guard name.utf8.count > maximumName else { return name }
        var held = String.UnicodeScalarView()
        var count = 0
        for scalar in name.unicodeScalars {
            count += UTF8.width(scalar)
            guard count <= maximumName else { break }
            held.append(scalar)
        }
        return String(held)
    }

    static func < (left: Self, right: Self) -> Bool { (left.since, left.name) < (right.since, right.name) }
}
