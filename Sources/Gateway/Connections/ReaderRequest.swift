import NIOHTTP1

/// A reader's request that affinity has let in.
struct ReaderRequest: Sendable {
    let head: HTTPRequestHead
    let route: Route
    /// What the answer carries.
    let cookieChange: CookieChange?
}
