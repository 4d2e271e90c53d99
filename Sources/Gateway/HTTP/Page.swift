import Hummingbird
import NIOCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The page's files. `index.html` is held in memory, since every topic's path serves it.
struct Page: Sendable {
    let directory: String
    /// `nil` where the folder has none.
    let html: ByteBuffer?
    /// Files may be kept, but have to be asked for again: they carry an ETag.
    let cacheControl = CacheControl([(MediaType(type: .any), [.noCache])])

    static func load(from directory: String) -> Page {
        let html = FileManager.default.contents(atPath: directory + "/index.html")
        return Page(directory: directory, html: html.map { ByteBuffer(bytes: $0) })
    }
}
