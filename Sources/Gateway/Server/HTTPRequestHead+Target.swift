import NIOHTTP1

extension HTTPRequestHead {
    /// The target's path, without the query.
    var path: Substring { uri.prefix { $0 != "?" } }

    /// The target's query, without the `?`.
    var query: Substring { uri.firstIndex(of: "?").map { uri[uri.index(after: $0)...] } ?? "" }
}
