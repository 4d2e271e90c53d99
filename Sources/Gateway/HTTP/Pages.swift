import Hummingbird
import NIOCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The pages, held in memory with this VM's id and region written into them.
struct Pages: Sendable {
    enum Name: String, CaseIterable {
        case index, lobby, room, login
        case unknownRoom = "unknown-room"

        var file: String { rawValue + ".html" }
    }

    let directory: String
    private let pages: [Name: ByteBuffer]
    /// Files may be kept, but have to be asked for again: they carry an ETag.
    let cacheControl = CacheControl([(MediaType(type: .any), [.noCache])])

    private init(directory: String, pages: [Name: ByteBuffer]) {
        self.directory = directory
        self.pages = pages
    }

    /// - Parameters:
    ///   - vm, region: stand in the pages for `{{vm}}` and `{{region}}`; both are names that need no escaping.
    static func load(from directory: String, vm: String, region: String) -> Pages {
        var pages: [Name: ByteBuffer] = [:]
        for name in Name.allCases {
            guard let bytes = FileManager.default.contents(atPath: directory + "/" + name.file) else { continue }
            let html = String(decoding: bytes, as: UTF8.self)
                .replacing("{{vm}}", with: vm).replacing("{{region}}", with: region)
            pages[name] = ByteBuffer(string: html)
        }
        return Pages(directory: directory, pages: pages)
    }

    /// The pages that the folder does not have.
    var missing: [Name] { Name.allCases.filter { pages[$0] == nil } }

    func response(_ name: Name, status: HTTPResponse.Status = .ok) throws(GatewayError) -> Response {
        guard let html = pages[name] else {
            throw GatewayError(.notFound, "the page is not installed: PUBLIC_DIR has no \(name.file)")
        }
        return Response(
            status: status, headers: [.contentType: "text/html; charset=utf-8", .cacheControl: "no-cache"],
            body: .init(byteBuffer: html))
    }
}
