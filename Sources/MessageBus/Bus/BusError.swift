/// Why the bus did not do what it was asked.
public struct BusError: Error, Sendable, Equatable, CustomStringConvertible {
    /// An open set: backends may add to it.
    public struct Code: Hashable, Sendable {
        public let name: String
        public init(_ name: String) { self.name = name }

        /// The backend cannot be reached, or did not answer in time; nothing is known about what was asked.
        public static let unavailable = Code("unavailable")
        /// The VM's publish queue is full.
        public static let queueFull = Code("queue_full")
        /// The VM is draining and takes nothing more in.
        public static let closed = Code("closed")
        /// The backend answered what it should not.
        public static let backend = Code("backend")
    }

    public let code: Code
    public let message: String
    /// When trying again is worth it, in seconds; `nil` where it is not.
    public let retryAfter: Int?

    public init(_ code: Code, _ message: String, retryAfter: Int? = nil) {
        self.code = code
        self.message = message
        self.retryAfter = retryAfter
    }

    public var description: String { "\(code.name): \(message)" }
}
