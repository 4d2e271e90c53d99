/// How to connect, as libpq names it.
struct ConnectionParameters: Sendable {
    private var values: [(key: String, value: String)]

    /// What Crier asks for where the address says nothing else: half-open connections are found by the kernel too, and of several hosts the one
    /// that takes writes is used.
    private static let defaults = [
        ("client_encoding", "UTF8"), ("keepalives_idle", "10"), ("keepalives_interval", "3"),
        ("keepalives_count", "3"),
        ("tcp_user_timeout", "8000"), ("fallback_application_name", "crier"),
    ]

    /// - Parameters:
    ///   - address: `postgres://…`, `postgresql://…` or `key=value` words, as libpq takes them.
    ///   - setting: where the address comes from, for messages.
    /// - Throws: what is wrong with the address, without what may be a password.
    init(_ address: String, setting: String) throws(PostgresURLError) {
        guard !address.utf8.contains(0) else { throw PostgresURLError(setting, "holds a NUL") }
        do { values = try LibPQ.parse(address) } catch {
            guard case .unexpected(let words) = error else {
                throw PostgresURLError(setting, "cannot be read")
            }
            throw PostgresURLError(setting, Self.withoutQuotations(words))
        }
        let ports = values.first { $0.key == "port" }?.value.split(separator: ",") ?? []
        guard ports.allSatisfy({ Int($0).map { (1...65535).contains($0) } ?? false }) else {
            throw PostgresURLError(
                setting,
                "a port is not a number from 1 to 65535; signs such as / in a password have to be percent-encoded")
        }
        for (key, value) in Self.defaults where !values.contains(where: { $0.key == key }) {
            values.append((key, value))
        }
        if self["host"]?.contains(",") == true, self["target_session_attrs"] == nil {
            values.append(("target_session_attrs", "read-write"))
        }
    }

    subscript(key: String) -> String? { values.first { $0.key == key }?.value }

    var all: [(key: String, value: String)] { values }

    /// The same, for a connection that says what it is for, as `pg_stat_activity` shows it.
    func named(_ name: String) -> ConnectionParameters {
        var copy = self
        copy.values.removeAll { $0.key == "fallback_application_name" }
        copy.values.append(("fallback_application_name", name))
        return copy
    }

    /// How many hosts the address names; libpq tries one after the other.
    var hostCount: Int {
        ["host", "hostaddr"].map { key in self[key].map { Self.elements($0).count } ?? 1 }.max() ?? 1
    }

    /// The same with the first hosts put last. A host that answers nothing takes an attempt's whole time, so attempts have to begin with different
    /// ones.
    func rotated(by number: Int) -> ConnectionParameters {
        var copy = self
        let count = hostCount
        for index in copy.values.indices
        where ["host", "hostaddr", "port"].contains(copy.values[index].key) {
            let elements = Self.elements(copy.values[index].value)
            // One port may stand for all hosts.
            guard elements.count == count else { continue }
            let start = number % count
            copy.values[index].value = (elements[start...] + elements[..<start]).joined(separator: ",")
        }
        return copy
    }

    private static func elements(_ list: String) -> [Substring] {
        list.split(separator: ",", omittingEmptySubsequences: false)
    }

    /// libpq quotes what it could not read, which may be a piece of a password.
    private static func withoutQuotations(_ words: String) -> String {
        words.trimmingSuffix(while: \.isNewline).replacing(/"[^"]*"|"[^"]*$/, with: #""…""#)
    }
}

extension StringProtocol {
    fileprivate func trimmingSuffix(while isTrimmed: (Character) -> Bool) -> String {
        var text = Substring(self)
        while let last = text.last, isTrimmed(last) { text.removeLast() }
        return String(text)
    }
}
