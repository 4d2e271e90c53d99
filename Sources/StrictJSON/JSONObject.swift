/// The members of a JSON object (RFC 8259 §4), in the order they were written, each key once.
public struct JSONObject: Sendable {
    /// The members in order. No two keys have the same bytes.
    public let members: [(key: String, value: JSONValue)]

    /// An object of `members`. Of several with one key, the first is kept.
    public init(_ members: [(key: String, value: JSONValue)] = []) {
        var seen: Set<Key> = []
        self.members = members.filter { seen.insert(Key(text: $0.key)).inserted }
    }

    /// For the reader, which has refused duplicates already.
    init(uniqueMembers: [(key: String, value: JSONValue)]) {
        members = uniqueMembers
    }

    /// The value of the member with this key, or `nil`. Compares bytes; takes time proportional to the number of
    /// members.
    public subscript(_ key: String) -> JSONValue? {
        members.index(of: key).map { members[$0].value }
    }
}

extension JSONObject: Equatable {
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.members.count == right.members.count
            && zip(left.members, right.members).allSatisfy { $0.key.hasSameBytes(as: $1.key) && $0.value == $1.value }
    }
}

extension [(key: String, value: JSONValue)] {
    /// Where the member with this key is, compared by bytes.
    func index(of key: String) -> Int? {
        // Through a pointer, so that members that are passed over are not retained.
        withUnsafeBufferPointer { members in
            for index in members.indices where members[index].key.hasSameBytes(as: key) { return index }
            return nil
        }
    }
}
