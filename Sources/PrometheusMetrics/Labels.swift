/// Metric and label names of Prometheus.
enum MetricName {
    /// `name` with each character outside `[a-zA-Z0-9_:]` mapped to `_`, and `_` put before a leading digit or instead
    /// of nothing.
    static func mapped(_ name: String) -> String { mapped(name, allowsColon: true) }

    /// The same for label names, which have no colon.
    static func mappedLabel(_ name: String) -> String { mapped(name, allowsColon: false) }

    private static func mapped(_ name: String, allowsColon: Bool) -> String {
        var result = ""
        for scalar in name.unicodeScalars {
            switch scalar {
            case "a"..."z", "A"..."Z", "_": result.unicodeScalars.append(scalar)
            case "0"..."9":
                if result.isEmpty { result = "_" }
                result.unicodeScalars.append(scalar)
            case ":" where allowsColon: result.unicodeScalars.append(scalar)
            default: result += "_"
            }
        }
        return result.isEmpty ? "_" : result
    }
}

/// The labels of a series as they are written, ordered by name, so that the order in which they were given makes no
/// difference.
struct Labels: Hashable, Sendable {
    /// `name="value",name="value"`, without braces.
    let text: String

    /// Maps names (see ``MetricName``) and escapes values. Of two labels that get the same name the first is kept; one
    /// that gets the
    /// `reserved` name is exported as `exported_<name>`.
    init(_ dimensions: [(String, String)], reserved: String? = nil) {
        var labels: [(name: String, value: String)] = []
        for (name, value) in dimensions {
            var mapped = MetricName.mappedLabel(name)
            if mapped == reserved { mapped = "exported_" + mapped }
            if !labels.contains(where: { $0.name == mapped }) { labels.append((mapped, value)) }
        }
        labels.sort { $0.name < $1.name }
        text = labels.map { "\($0.name)=\"\(Self.escaped($0.value))\"" }.joined(separator: ",")
    }

    /// A label value escapes backslash, quotation mark and line feed.
    static func escaped(_ value: String) -> String {
        var result = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
