/// Writes the lines of the Prometheus text format 0.0.4 (prometheus.io, "Exposition formats").
struct TextFormat {
    private(set) var bytes: [UInt8]

    /// Goes on after `bytes`.
    init(bytes: [UInt8] = []) {
        self.bytes = bytes
    }

    /// The lines that begin a family. Help escapes backslash and line feed, and is left out if there is none.
    mutating func header(name: String, type: String, help: String?) {
        if let help {
            var escaped = ""
            for scalar in help.unicodeScalars {
                switch scalar {
                case "\\": escaped += "\\\\"
                case "\n": escaped += "\\n"
                default: escaped.unicodeScalars.append(scalar)
                }
            }
            line("# HELP \(name) \(escaped)")
        }
        line("# TYPE \(name) \(type)")
    }

    mutating func sample(_ name: String, _ labels: Labels, bound: Double? = nil, _ value: Double) {
        var text = labels.text
        if let bound {
            if !text.isEmpty { text += "," }
            text += "le=\"\(Self.number(bound))\""
        }
        line(text.isEmpty ? "\(name) \(Self.number(value))" : "\(name){\(text)} \(Self.number(value))")
    }

    private mutating func line(_ text: String) {
        bytes.append(contentsOf: text.utf8)
        bytes.append(UInt8(ascii: "\n"))
    }

    /// A number as Go's `ParseFloat` reads it; whole ones without a fraction.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
        if let whole = Int64(exactly: value), whole.magnitude < 1 << 53 { return String(whole) }
        return value.description
    }
}
