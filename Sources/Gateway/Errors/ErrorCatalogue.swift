import WebSocketTransport

/// The catalogue of errors for people: `/errors`, and the tables in docs/protocol.md.
public enum ErrorCatalogue {
    /// The page that refusals link to.
    static var html: String {
        let rows = ErrorCode.all.map { code in
            "<dt id=\"\(code.number)\">\(code.number) \(escaped(code.name)) (HTTP \(code.status))</dt><dd>\(escaped(code.meaning))</dd>"
        }
        return """
            <!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
            <title>Crier: errors</title><h1>Errors</h1><dl>\(rows.joined(separator: "\n"))</dl></html>

            """
    }

    /// The errors as a Markdown table.
    public static var errorTable: String {
        table(
            ["code", "HTTP", "error", "when"],
            ErrorCode.all.map { ["\($0.number)", "\($0.status)", $0.name, $0.meaning] })
    }

    /// The close codes as a Markdown table.
    public static var closeTable: String {
        table(
            ["code", "resumable", "when"],
            CloseMeaning.all.map { ["\($0.code.rawValue)", $0.isResumable ? "yes" : "no", $0.meaning] })
    }

    private static func table(_ header: [String], _ rows: [[String]]) -> String {
        ([header, header.map { _ in "---" }] + rows).map { "| " + $0.joined(separator: " | ") + " |" }.joined(
            separator: "\n")
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing("`", with: "")
    }
}
