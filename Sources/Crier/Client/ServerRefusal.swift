import StrictJSON

/// What a server says when it does not do what was asked: `{"code":42901,"http":429,"error":"…"}`, or something else
/// with only a status.
struct ServerRefusal: Sendable, Equatable {
    let status: Int
    /// The code of the protocol's error table, if the answer has one.
    let code: Int?
    let text: String?
    /// Where the server redirects to. It is told and not followed.
    let location: String?

    init(status: Int, body: [UInt8], location: String? = nil) {
        let object = (try? JSONValue.parse(body))?.objectValue
        self.status = status
        code = object?["code"]?.intValue
        text = object?["error"]?.stringValue
        self.location = (300..<400).contains(status) ? location : nil
    }

    /// One line, safe to print.
    var message: String {
        if let location { return "the server is at \(PrintableText.escaped(location))" }
        return switch (text, code) {
        case (let text?, let code?): "\(PrintableText.escaped(text)) (\(code))"
        case (let text?, nil): "\(PrintableText.escaped(text)) (HTTP \(status))"
        default: "the server answered with HTTP \(status)"
        }
    }
}
