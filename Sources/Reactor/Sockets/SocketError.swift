#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A system call on a socket or a loop that failed.
public struct SocketError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The call's name.
    public let call: String
    /// The system's error number.
    public let code: CInt

    public init(call: String, code: CInt) {
        self.call = call
        self.code = code
    }

    public var description: String { "\(call): \(strerror(code).map { String(cString: $0) } ?? "error \(code)")" }

    /// - Returns: the call's result.
    /// - Throws: what `errno` says where the result is negative.
    @discardableResult
    static func check(_ call: String, _ result: CInt) throws(SocketError) -> CInt {
        guard result >= 0 else { throw SocketError(call: call, code: errno) }
        return result
    }
}
