import HTTPTypes
import MessageBus

/// A publish request as it came: everything that intake looks at, apart from the connection.
struct PublishInput: Sendable {
    /// The topic in the path; `nil` for `POST /`.
    var topic: String?
    var fields: RequestFields
    var body: [UInt8] = []
    var now: WallTime

    /// The media type in lower case, without parameters.
    var mediaType: String {
        guard let value = fields.header("content-type") else { return "" }
        return Substring(value.utf8.prefix { $0 != UInt8(ascii: ";") }).trimmingBlanks().lowercased()
    }
}

/// A request's headers and query, looked up by any of several names.
struct RequestFields: Sendable {
    private let headers: [(name: String, value: String)]
    /// Names in lower case.
    private let query: [(name: String, value: String)]
    private let headerNames: NameFilter
    private let queryNames: NameFilter
    private let names: NameFilter

    /// - Parameter headers: names in lower case.
    init(headers: [(name: String, value: String)], query: [(name: String, value: String)]) {
        self.headers = headers
        self.query = query.map { ($0.name.lowercased(), $0.value) }
        self.headerNames = NameFilter(headers.lazy.map(\.name))
        self.queryNames = NameFilter(self.query.lazy.map(\.name))
        self.names = headerNames.union(queryNames)
    }

    init(_ request: HTTPRequest) {
        let target = request.path ?? "/"
        let query = target.firstIndex(of: "?").map { target[target.index(after: $0)...] } ?? ""
        self.init(
            headers: request.headerFields.map { ($0.name.canonicalName, $0.value) }, query: Query.parse(query))
    }

    /// The first header of a name, given in lower case.
    func header(_ name: String) -> String? {
        headerNames.mayContain(name) ? headers.first { $0.name == name }?.value : nil
    }

    /// The last header of a name, given in lower case.
    func lastHeader(_ name: String) -> String? { headers.last { $0.name == name }?.value }

    /// All headers, names in lower case.
    var allHeaders: [(name: String, value: String)] { headers }

    /// `false` where the field is surely not there.
    func mayHave(_ field: Field) -> Bool { names.mayShare(with: field.aliasFilter) }

    /// The value of a field, by the names that it has in requests.
    func value(_ field: Field) -> String? { mayHave(field) ? value(field.aliases) : nil }

    /// The value of a field: the first of its names that a header has, else one that the query has.
    func value(_ names: [String]) -> String? {
        for name in names {
            // Browsers send RFC 9218's `Priority: u=1, i`, which says nothing of the alert.
            if let header = header(name), !(name == "priority" && Self.isRFC9218(header)) {
                return HeaderText.decode(header).trimmingBlanks()
            }
        }
        for name in names {
            if queryNames.mayContain(name), let item = query.first(where: { $0.name == name }) { return item.value }
        }
        return nil
    }

    private static func isRFC9218(_ value: String) -> Bool {
        value.split(separator: ",").allSatisfy { part in
            let part = part.trimmingBlanks()
            return part == "i" || (part.hasPrefix("u=") && part.dropFirst(2).allSatisfy(\.isNumber))
        }
    }
}
