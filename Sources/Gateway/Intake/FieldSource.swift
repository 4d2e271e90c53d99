import StrictJSON

/// Where the fields of one alert are looked up: headers before the query before JSON.
struct FieldSource {
    private let request: RequestFields?
    private let object: JSONObject?
    /// The object's keys: most of the fields that are asked for are not there.
    private let keys: NameFilter

    init(request: RequestFields?, object: JSONObject? = nil) {
        self.request = request
        self.object = object
        var keys = NameFilter()
        for (key, _) in object?.members ?? [] { keys.insert(key) }
        self.keys = keys
    }

    /// `false` where the field is surely not there.
    func mayHave(_ field: Field) -> Bool {
        keys.mayShare(with: field.nameFilter) || request?.mayHave(field) == true
    }

    private func member(_ field: Field) -> JSONValue? {
        keys.mayShare(with: field.nameFilter) ? object?[field.name] : nil
    }

    /// The text of a field; a JSON number counts as its digits.
    func string(_ field: Field) throws(GatewayError) -> String? {
        if let text = request?.value(field) { return text }
        switch member(field) {
        case nil, .null: return nil
        case .string(let text): return text
        case .number(let number): return number.int.map(String.init) ?? number.text
        default: throw GatewayError(.invalidField, "\(field.name) has to be a string")
        }
    }

    func bool(_ field: Field) throws(GatewayError) -> Bool? {
        if let value = member(field)?.boolValue, request?.value(field) == nil { return value }
        guard let text = try string(field) else { return nil }
        switch text.lowercased() {
        case "1", "yes", "true", "on": return true
        case "0", "no", "false", "off", "": return false
        default: throw GatewayError(.invalidField, "\(field.name) is 1, yes, true or 0, no, false")
        }
    }

    /// Text with commas between, or a JSON array of strings.
    func list(_ field: Field) throws(GatewayError) -> [String] {
        if request?.value(field) == nil, let array = member(field)?.arrayValue {
            let strings = array.compactMap(\.stringValue)
            guard strings.count == array.count else {
                throw GatewayError(.invalidField, "\(field.name) has to be an array of strings")
            }
            return strings
        }
        return try string(field)?.utf8.split(separator: UInt8(ascii: ",")).map { String(Substring($0)) } ?? []
    }

    func json(_ field: Field) -> JSONValue? {
        let value = member(field)
        return value?.isNull == true ? nil : value
    }

    /// Actions: a JSON array, or in a header or the query ntfy's short form.
    func actions(_ field: Field) throws(GatewayError) -> JSONValue? {
        guard let text = request?.value(field) else { return json(field) }
        guard text.trimmingBlanks().hasPrefix("[") else { return try ActionList.parse(text) }
        do throws(JSONError) { return try JSONValue.parse(text) } catch {
            throw GatewayError(.invalidField, "\(field.name): \(error.message)")
        }
    }

    func isPresent(_ field: Field) -> Bool {
        if let text = request?.value(field) { return !text.isEmpty }
        guard let value = json(field) else { return false }
        return value.stringValue?.isEmpty != true
    }

    /// Whether the body was sent as Markdown.
    var isMarkdownBody: Bool {
        request?.header("content-type")?.lowercased().hasPrefix("text/markdown") ?? false
    }
}
