import Testing

@testable import Gateway

@Suite struct NameFilterTests {
    private static let fields: [Field] =
        [
            .message, .title, .priority, .tags, .delay, .expires, .click, .icon, .markdown, .actions, .key, .data,
            .cache,
        ] + Field.unsupported

    @Test("A field is never held to be absent from what has one of its names", arguments: fields.indices)
    func neverMisses(_ index: Int) {
        let field = Self.fields[index]
        for name in field.aliases {
            let others = ["host", "user-agent", name]
            #expect(NameFilter(others).mayContain(name))
            #expect(NameFilter(others).mayShare(with: field.aliasFilter))
            #expect(NameFilter().union(NameFilter(others)).mayShare(with: field.aliasFilter))
            let inHeader = RequestFields(headers: [("host", "h"), (name, "given")], query: [])
            #expect(inHeader.value(field) == "given" && inHeader.header(name) == "given")
            let inQuery = RequestFields(headers: [("host", "h")], query: [(name.uppercased(), "given")])
            #expect(inQuery.value(field) == "given")
        }
        #expect(NameFilter(["op", field.name]).mayShare(with: field.nameFilter))
    }

    @Test("The headers that curl sends cost no look for a field")
    func commonHeaders() {
        let headers = NameFilter([
            "host", "user-agent", "accept", "content-length", "content-type", "accept-encoding", "connection",
        ])
        for field in Self.fields { #expect(!headers.mayShare(with: field.aliasFilter), "\(field.name)") }
    }

    @Test("An empty name is a name, and an empty filter has none")
    func empty() {
        #expect(NameFilter([""]).mayContain(""))
        #expect(!NameFilter().mayContain("") && !NameFilter().mayContain("title"))
    }
}
