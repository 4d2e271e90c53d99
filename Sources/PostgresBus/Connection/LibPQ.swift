import CLibPQ

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// One connection of libpq (PostgreSQL documentation, chapter "libpq"), asynchronous throughout: no call waits for the server, but the first steps of
/// connecting may wait for a name server.
///
/// The only file that calls libpq. Everything comes out as Swift values, copied.
///
/// `@unchecked Sendable`: libpq allows one thread at a time on a connection. The connection's actor is the only one that has a reference and calls
/// methods, all on its queue; cancel handlers of the actor's dispatch sources hold the last references, and run on that queue too, so that
/// `deinit` closes the socket only after the system has stopped watching it.
final class LibPQ: @unchecked Sendable {
    enum Polling {
        case reading
        case writing
        case ready
        case failed
    }

    enum Flush {
        case done
        case blocked
        case failed
    }

    private let connection: OpaquePointer

    /// Begins connecting: `poll` goes on with it.
    ///
    /// - Returns: `nil` where memory is short.
    init?(_ parameters: [(key: String, value: String)]) {
        let keys = parameters.map { strdup($0.key) } + [nil]
        let values = parameters.map { strdup($0.value) } + [nil]
        defer { for text in keys + values { free(text) } }
        let started = keys.map { UnsafePointer($0) }.withUnsafeBufferPointer { keys in
            values.map { UnsafePointer($0) }.withUnsafeBufferPointer { values in
                PQconnectStartParams(keys.baseAddress, values.baseAddress, 0)
            }
        }
        guard let started else { return nil }
        connection = started
        // The words then carry the SQLSTATE, which libpq tells in no other way while it connects.
        PQsetErrorVerbosity(connection, PQERRORS_VERBOSE)
        PQsetNoticeReceiver(connection, { _, _ in }, nil)
    }

    deinit { PQfinish(connection) }

    var hasFailed: Bool { PQstatus(connection) == CONNECTION_BAD }

    /// Another socket after each `poll`, maybe.
    var socket: Int32 { PQsocket(connection) }

    func poll() -> Polling {
        switch PQconnectPoll(connection) {
        case PGRES_POLLING_READING: return .reading
        case PGRES_POLLING_WRITING: return .writing
        case PGRES_POLLING_OK: return PQsetnonblocking(connection, 1) == 0 ? .ready : .failed
        default: return .failed
        }
    }

    /// Why the connection failed.
    var failure: PostgresFailure {
        let words = String(cString: PQerrorMessage(connection))
        let lines = words.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("LOCATION:") }
        let message = lines.joined(separator: "; ")
        if PQconnectionNeedsPassword(connection) == 1 {
            return .refused(sqlState: "28P01", message: "the server asks for a password")
        }
        // As in `FATAL:  28P01: password authentication failed for user "crier"`; the first word is in the server's language.
        if let match = message.firstMatch(of: #/:  ([0-9A-Z]{5}): /#) {
            return .refused(
                sqlState: String(match.1), message: String(message[match.range.upperBound...]))
        }
        return .unreachable(message.isEmpty ? "the connection was closed" : message)
    }

    /// Sends a statement with its parameters; its results come in binary format.
    ///
    /// The statement is unnamed, so that nothing of it stays on the server: a pooler may give the next one to another session.
    func send(_ sql: String, _ parameters: [PostgresParameter]) -> Bool {
        var bytes: [UInt8] = []
        var offsets: [Int] = []
        for parameter in parameters {
            offsets.append(bytes.count)
            parameter.encode(into: &bytes)
        }
        let ends = offsets.dropFirst() + [bytes.count]
        let lengths = zip(offsets, ends).map { Int32($1 - $0) }
        // A value of no bytes has an address too: without one it would be NULL.
        bytes.append(0)
        return bytes.withUnsafeBytes { buffer in
            let start = buffer.bindMemory(to: CChar.self).baseAddress
            return PQsendQueryParams(
                connection, sql, Int32(parameters.count), parameters.map(\.type),
                offsets.map { start?.advanced(by: $0) },
                lengths, parameters.map { _ in 1 }, 1) == 1
        }
    }

    func flush() -> Flush {
        switch PQflush(connection) {
        case 0: .done
        case 1: .blocked
        default: .failed
        }
    }

    /// Takes in what the server sent.
    ///
    /// - Returns: `false` where the connection is gone.
    func consumeInput() -> Bool { PQconsumeInput(connection) == 1 }

    /// Whether a result is still on its way.
    var isBusy: Bool { PQisBusy(connection) == 1 }

    /// The next result of the statement that was sent; `nil` after the last one.
    func nextResult() -> Result<PostgresRows, PostgresFailure>? {
        guard let result = PQgetResult(connection) else { return nil }
        defer { PQclear(result) }
        switch PQresultStatus(result) {
        case PGRES_COMMAND_OK: return .success(.none)
        case PGRES_TUPLES_OK: return .success(Self.rows(of: result))
        case PGRES_FATAL_ERROR:
            guard let sqlState = PQresultErrorField(result, crier_diag_sqlstate) else {
                return .failure(failure)
            }
            let message = PQresultErrorField(result, crier_diag_message_primary).map {
                String(cString: $0)
            }
            return .failure(
                .refused(sqlState: String(cString: sqlState), message: message ?? "no message"))
        case let status: return .failure(.unexpected(String(cString: PQresStatus(status))))
        }
    }

    func nextNotification() -> PostgresNotification? {
        guard let notification = PQnotifies(connection) else { return nil }
        defer { PQfreemem(notification) }
        return PostgresNotification(
            channel: String(cString: notification.pointee.relname),
            payload: String(cString: notification.pointee.extra)
        )
    }

    private static func rows(of result: OpaquePointer) -> PostgresRows {
        let columns = PQnfields(result)
        var values: [[UInt8]?] = []
        values.reserveCapacity(Int(PQntuples(result) * columns))
        for row in 0..<PQntuples(result) {
            for column in 0..<columns {
                if PQgetisnull(result, row, column) == 1 {
                    values.append(nil)
                } else {
                    let length = Int(PQgetlength(result, row, column))
                    values.append(
                        Array(UnsafeRawBufferPointer(start: PQgetvalue(result, row, column), count: length)))
                }
            }
        }
        return PostgresRows(columns: Int(columns), values: values)
    }
}

// Connection strings.
extension LibPQ {
    /// Reads a URL or `key=value` words as libpq does.
    ///
    /// - Throws: libpq's words, which may repeat parts of what was read.
    static func parse(_ text: String) throws(PostgresFailure) -> [(key: String, value: String)] {
        var message: UnsafeMutablePointer<CChar>?
        guard let options = PQconninfoParse(text, &message) else {
            defer { PQfreemem(message) }
            throw .unexpected(message.map { String(cString: $0) } ?? "no memory")
        }
        defer { PQconninfoFree(options) }
        var parameters: [(key: String, value: String)] = []
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val {
                parameters.append((String(cString: keyword), String(cString: value)))
            }
            option += 1
        }
        return parameters
    }
}
