import StrictJSON

/// ntfy's short way to write actions in a header: `view, Open portal, https://example.com/, clear=true; http, Close door, url=https://…`.
///
/// Actions stand between semicolons, their parts between commas. The first three parts without a name are the action, its label and its `url`; the
/// others are `name=value`, where `headers.X` and `extras.X` are members of an object. Quotes (`"` or `'`) keep commas and semicolons in a value, a
/// backslash keeps the character after it.
enum ActionList {
    private static let positions = ["action", "label", "url"]
    private static let kinds: Set<String> = ["view", "broadcast", "http", "copy"]

    static func parse(_ text: String) throws(GatewayError) -> JSONValue {
        var actions: [JSONValue] = []
        for parts in try split(text) where !(parts.count == 1 && parts[0].isEmpty) {
            actions.append(.object(try action(parts)))
        }
        return .array(actions)
    }

    private static func action(_ parts: [String]) throws(GatewayError) -> JSONObject {
        var members: [(key: String, value: JSONValue)] = []
        var nested: [(name: String, members: [(key: String, value: JSONValue)])] = []
        for (index, part) in parts.enumerated() {
            let (name, value) = try named(part, at: index)
            let path = name.split(separator: ".", maxSplits: 1).map(String.init)
            if path.count == 2, ["headers", "extras"].contains(path[0]) {
                let at = nested.firstIndex { $0.name == path[0] } ?? nested.endIndex
                if at == nested.endIndex { nested.append((path[0], [])) }
                nested[at].members.append((path[1], .string(value)))
            } else if name == "clear" {
                members.append((name, .bool(["true", "yes", "1"].contains(value.lowercased()))))
            } else {
                members.append((name, .string(value)))
            }
        }
        for (name, inner) in nested { members.append((name, .object(JSONObject(inner)))) }
        let object = JSONObject(members)
        guard let kind = object["action"]?.stringValue, kinds.contains(kind) else {
            throw GatewayError(.invalidField, "actions: an action is view, broadcast, http or copy")
        }
        guard object["label"]?.stringValue?.isEmpty == false else {
            throw GatewayError(.invalidField, "actions: an action needs a label")
        }
        return object
    }

    private static func named(_ part: String, at index: Int) throws(GatewayError) -> (name: String, value: String) {
        let name = part.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || "_.-".contains($0)) }
        let rest = part[name.endIndex...].trimmingBlanks()
        if !name.isEmpty, rest.first == "=" { return (String(name), rest.dropFirst().trimmingBlanks()) }
        guard index < positions.count else {
            throw GatewayError(.invalidField, "actions: after action, label and url come name=value parts")
        }
        return (positions[index], part)
    }

    /// The parts of each action, without blanks and quotes around them.
    private static func split(_ text: String) throws(GatewayError) -> [[String]] {
        var actions: [[String]] = [[]]
        var part = ""
        var quote: Character?
        var isEscaped = false
        for character in text {
            if isEscaped {
                part.append(character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else if let open = quote {
                if character == open { quote = nil } else { part.append(character) }
            } else if character == "\"" || character == "'", part.trimmingBlanks().isEmpty || part.last == "=" {
                quote = character
            } else if character == "," || character == ";" {
                actions[actions.count - 1].append(part.trimmingBlanks())
                part = ""
                if character == ";" { actions.append([]) }
            } else {
                part.append(character)
            }
        }
        guard quote == nil else { throw GatewayError(.invalidField, "actions: a quote is not closed") }
        actions[actions.count - 1].append(part.trimmingBlanks())
        return actions
    }
}
