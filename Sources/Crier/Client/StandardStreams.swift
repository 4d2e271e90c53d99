#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The standard streams, unbuffered: a line is out when `write` returns, into a pipe too.
enum StandardStreams {
    /// Standard output cannot be written.
    struct OutputError: Error, Equatable {
        /// The number of the system error.
        let code: Int32

        /// Whether the program that read the output has ended: an ordinary end, as of `head`.
        var isBrokenPipe: Bool { code == EPIPE }

        static let brokenPipe = OutputError(code: EPIPE)

        var reason: String { String(cString: strerror(code)) }
    }

    /// Writing into a pipe that nobody reads is to be an error here, and not the end of the process by a signal.
    static func ignoreBrokenPipes() {
        signal(SIGPIPE, SIG_IGN)
    }

    /// Writes a line to standard output.
    static func printLine(_ bytes: [UInt8]) throws(OutputError) {
        let code = writeAll(bytes + [UInt8(ascii: "\n")], to: STDOUT_FILENO)
        if code != 0 { throw OutputError(code: code) }
    }

    static func printLine(_ text: String) throws(OutputError) {
        try printLine(Array(text.utf8))
    }

    /// Writes a line for people to standard error. If nobody reads it, it is lost.
    static func note(_ text: String) {
        _ = writeAll(Array("crier: \(text)\n".utf8), to: STDERR_FILENO)
    }

    /// Shows how far long work is, on standard error: one line that changes on a terminal, nothing elsewhere but the end.
    static func progress(_ what: String, _ count: Int, of total: Int) {
        let isEnd = count == total
        if isatty(STDERR_FILENO) == 1 {
            _ = writeAll(Array("\r\(what): \(count) of \(total)\(isEnd ? "\n" : "")".utf8), to: STDERR_FILENO)
        } else if isEnd {
            note("\(what): \(count) of \(total)")
        }
    }

    /// Whether standard output is a pipe that nobody reads any more.
    static var isOutputAbandoned: Bool {
        var descriptor = pollfd(fd: STDOUT_FILENO, events: 0, revents: 0)
        return poll(&descriptor, 1, 0) > 0 && Int32(descriptor.revents) & (POLLERR | POLLNVAL) != 0
    }

    static var isOutputTerminal: Bool { isatty(STDOUT_FILENO) == 1 }
    static var isInputTerminal: Bool { isatty(STDIN_FILENO) == 1 }

    /// Everything from standard input, or `nil` if it is longer than `limit` bytes.
    static func readInput(limit: Int) -> [UInt8]? {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while bytes.count <= limit {
            let count = read(STDIN_FILENO, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return bytes }
            bytes.append(contentsOf: buffer[..<count])
        }
        return nil
    }

    /// A variable of the environment.
    static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }

    /// Writes all of `bytes` and returns 0 or the number of the system error.
    private static func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Int32 {
        bytes.withUnsafeBytes { bytes in
            var written = 0
            while written < bytes.count {
                let count = write(descriptor, bytes.baseAddress?.advanced(by: written), bytes.count - written)
                if count >= 0 {
                    written += count
                } else if errno == EAGAIN {
                    // The other end made the pipe non-blocking: wait until it takes more.
                    var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    poll(&ready, 1, -1)
                } else if errno != EINTR {
                    return errno
                }
            }
            return 0
        }
    }
}
