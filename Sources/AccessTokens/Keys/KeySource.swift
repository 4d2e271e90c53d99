/// Where the issuer's keys come from.
public protocol KeySource: Sendable {
    /// Fetches the keys as they are now.
    ///
    /// Called by one task at a time. Has to come back within seconds, whatever the issuer does, since verifications wait for it, and soon where
    /// the task is cancelled.
    func fetch() async throws(KeySourceError) -> KeyDocument
}

/// A JSON Web Key Set as it was served (RFC 7517 section 5).
public struct KeyDocument: Sendable, Equatable {
    public let bytes: [UInt8]
    /// How long it may be kept by what came with it, in seconds; `nil` where nothing was said.
    public let maxAge: Int64?

    public init(bytes: [UInt8], maxAge: Int64? = nil) {
        self.bytes = bytes
        self.maxAge = maxAge
    }
}

/// Why keys could not be had.
public struct KeySourceError: Error, Sendable, Equatable, CustomStringConvertible {
    /// For the log.
    public let message: String

    public init(_ message: String) { self.message = message }

    public var description: String { message }
}
