import AsyncHTTPClient
import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The exit statuses of the client commands, by the names of sysexits.h; usage errors (64) are the argument parser's.
enum ClientExit {
    /// EX_DATAERR: the server refused what it was given.
    static let refused: Int32 = 65
    /// EX_UNAVAILABLE: the server is not there, or not now.
    static let unavailable: Int32 = 69
    /// EX_IOERR: standard output cannot be written.
    static let outputFailed: Int32 = 74

    /// Why a request failed, in a few words.
    static func reason(_ error: any Error) -> String {
        switch error {
        case let error as HTTPClientError: reason(error)
        case let error as IOError: String(cString: strerror(error.errnoCode))
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { reason($0.error) } ?? "no address found for \(error.host)"
        default: String(describing: error)
        }
    }

    private static func reason(_ error: HTTPClientError) -> String {
        switch error {
        case .connectTimeout: "connecting took too long"
        case .readTimeout, .deadlineExceeded: "it took too long"
        case .remoteConnectionClosed: "the connection was closed"
        default: error.shortDescription
        }
    }
}
