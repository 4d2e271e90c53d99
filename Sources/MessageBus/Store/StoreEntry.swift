/// An entry of a `SharedStore`, as a listing shows it.
public struct StoreEntry: Hashable, Sendable {
    public let name: StoreName
    public let value: [UInt8]

    public init(name: StoreName, value: [UInt8]) {
        self.name = name
        self.value = value
    }
}
