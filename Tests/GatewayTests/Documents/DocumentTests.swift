import Testing

@testable import Gateway

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The documents' tables say what the code says.
@Suite struct DocumentTests {
    private static func document(_ name: String) throws -> String {
        var root = URL(filePath: #filePath)
        for _ in 0..<4 { root.deleteLastPathComponent() }
        let path = root.appending(path: "docs/\(name)").path(percentEncoded: false)
        return String(decoding: try #require(FileManager.default.contents(atPath: path)), as: UTF8.self)
    }

    /// What stands between the lines with `<!-- name:begin` and `<!-- name:end`.
    private static func table(_ name: String, in document: String) throws -> [Substring] {
        let lines = document.split(separator: "\n", omittingEmptySubsequences: false)
        let begin = try #require(lines.firstIndex { $0.hasPrefix("<!-- \(name):begin") })
        let end = try #require(lines.firstIndex { $0.hasPrefix("<!-- \(name):end") })
        return lines[(begin + 1)..<end].filter { !$0.isEmpty }
    }

    private static func cells(_ row: Substring) -> [String] {
        row.split(separator: "|").map { $0.trimmingBlanks().replacing("`", with: "") }
    }

    @Test("protocol.md has the catalogue of errors")
    func errors() throws {
        let table = try Self.table("errors", in: Self.document("protocol.md"))
        #expect(table.joined(separator: "\n") == ErrorCatalogue.errorTable)
    }

    @Test("protocol.md has the close codes")
    func closeCodes() throws {
        let table = try Self.table("close", in: Self.document("protocol.md"))
        #expect(table.joined(separator: "\n") == ErrorCatalogue.closeTable)
    }

    @Test("operating.md has every setting with its default and meaning")
    func settings() throws {
        let table = try Self.table("settings", in: Self.document("operating.md")).map(Self.cells)
        #expect(table.first == ["key", "default", "meaning"])
        #expect(
            table.dropFirst(2).map { $0 }
                == Setting.all.map { [$0.key, $0.standard, $0.meaning.replacing("`", with: "")] })
    }

    @Test("protocol.md lists the reserved names")
    func reserved() throws {
        let names = Route.reservedNames.sorted().joined(separator: " ")
        #expect(try Self.document("protocol.md").contains("`\(names)`"))
    }

    @Test("error codes are unique and begin with an HTTP status")
    func codes() {
        #expect(Set(ErrorCode.all.map(\.number)).count == ErrorCode.all.count)
        #expect(ErrorCode.all.allSatisfy { (400..<600).contains($0.status) })
        #expect(ErrorCode.all.map(\.number) == ErrorCode.all.map(\.number).sorted())
    }
}
