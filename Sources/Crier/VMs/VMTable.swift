import StrictJSON

/// The answer of `GET /v1/vms` as lines for people.
struct VMTable: Equatable {
    private static let head = ["ID", "REGION", "SOCKETS", "POSITION", "LAG", "AGE"]

    private let rows: [[String]]

    /// - Returns: `nil` where the body is not that of a Crier server.
    init?(_ body: [UInt8]) {
        guard let vms = try? JSONValue.parse(body).objectValue?["vms"]?.arrayValue else { return nil }
        var rows: [[String]] = []
        for vm in vms {
            guard let vm = vm.objectValue, let id = vm["id"]?.stringValue, let region = vm["region"]?.stringValue,
                let sockets = vm["sockets"]?.intValue, let position = vm["position"]?.stringValue,
                let lag = vm["lag"]?.intValue, let age = vm["age"]?.intValue
            else { return nil }
            rows.append([id, region, String(sockets), position, String(lag), Self.age(seconds: age)])
        }
        self.rows = rows.map { $0.map(PrintableText.escaped) }
    }

    /// A head line and one line a VM, in columns.
    var lines: [String] {
        let all = [Self.head] + rows
        let widths = Self.head.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.map { row in
            zip(row, widths).map { text, width in text + String(repeating: " ", count: width - text.count) }
                .joined(separator: "  ").trimmingTrailingBlanks()
        }
    }

    /// `42s`, `3m`, `5h` or `2d`, rounded down.
    static func age(seconds: Int) -> String {
        switch seconds {
        case ..<60: "\(seconds)s"
        case ..<3_600: "\(seconds / 60)m"
        case ..<86_400: "\(seconds / 3_600)h"
        default: "\(seconds / 86_400)d"
        }
    }
}

extension String {
    fileprivate func trimmingTrailingBlanks() -> String {
        var text = self[...]
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
