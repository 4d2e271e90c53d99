import CrierTesting
import MessageBus
import NIOConcurrencyHelpers
import StrictJSON
import Testing

@testable import Gateway

/// Two VMs of one deployment: on one bus, beside one store.
struct TwoVMs: Sendable {
    /// `vm-1` in `syd`.
    let one: RunningServer
    /// `vm-2` in `ams`.
    let two: RunningServer

    /// Runs them for as long as the body.
    ///
    /// - Parameter storeOfTwo: what `vm-2` has in the place of the shared store.
    static func with(
        store: InProcessStore = InProcessStore(), storeOfTwo: (any SharedStore)? = nil,
        _ change: (inout ServerConfiguration) -> Void = { _ in },
        _ body: @escaping @Sendable (TwoVMs) async throws -> Void
    ) async throws {
        let bus = InProcessBus(retention: Retention())
        let shared: @Sendable (InProcessBus) -> any MessageBus = { _ in bus }
        let first = ServerConfiguration.forTests(change)
        let second = ServerConfiguration.forTests {
            $0.vm = VMIdentity(id: "vm-2", region: "ams", boot: "boot-2") ?? $0.vm
            change(&$0)
        }
        try await RunningServer.with(first, through: shared, store: store) { one in
            try await RunningServer.with(second, through: shared, store: storeOfTwo ?? store) { two in
                try await body(TwoVMs(one: one, two: two))
            }
        }
    }
}

/// A store that the test takes away.
final class MoodyStore: SharedStore {
    private let store = InProcessStore()
    private let inner: any SharedStore
    private let isAway = NIOLockedValueBox(false)

    /// - Parameter inner: the store that it stands before; `nil`: one of its own.
    init(_ inner: (any SharedStore)? = nil) { self.inner = inner ?? store }

    func setAway(_ isAway: Bool) { self.isAway.withLockedValue { $0 = isAway } }

    private func check() throws(BusError) {
        if isAway.withLockedValue({ $0 }) { throw BusError(.unavailable, "the store is away", retryAfter: 2) }
    }

    func set(_ name: StoreName, _ value: [UInt8], lasting: Duration) async throws(BusError) {
        try check()
        try await inner.set(name, value, lasting: lasting)
    }

    func value(of name: StoreName) async throws(BusError) -> [UInt8]? {
        try check()
        return try await inner.value(of: name)
    }

    func extend(_ name: StoreName, lasting: Duration) async throws(BusError) -> Bool {
        try check()
        return try await inner.extend(name, lasting: lasting)
    }

    func remove(_ name: StoreName) async throws(BusError) -> Bool {
        try check()
        return try await inner.remove(name)
    }

    func entries(
        of collection: StoreCollection, after name: StoreName?, limit: Int
    ) async throws(BusError) -> [StoreEntry] {
        try check()
        return try await inner.entries(of: collection, after: name, limit: limit)
    }
}

extension HTTPReply {
    /// The session's cookie as the answer sets it, with its attributes.
    var setCookie: String? { headers.first { $0.name == "set-cookie" && $0.value.hasPrefix("crier_session=") }?.value }

    /// The same as a browser sends it back.
    var cookie: String? { setCookie.flatMap { $0.split(separator: ";").first }.map(String.init) }
}

extension RunningServer {
    static let json = ("Content-Type", "application/json")

    func post(session body: String, headers: [(String, String)] = []) async throws -> HTTPReply {
        try await request("POST", "/session", headers: [Self.json] + headers, body: body)
    }

    /// Signs someone in by name, who has to be let in.
    ///
    /// - Returns: the cookie.
    func signIn(_ name: String) async throws -> String {
        let reply = try await post(session: #"{"name":"\#(name)"}"#)
        #expect(reply.status == 200, "\(reply.text)")
        return try #require(reply.cookie)
    }

    /// Whom the server takes a cookie's holder for.
    func user(_ cookie: String) async throws -> String? {
        let reply = try await request("GET", "/session", headers: [("Cookie", cookie)])
        #expect(reply.status == 200, "\(reply.text)")
        return try reply.object()["user"]?.objectValue?.string("name")
    }

    func signOut(_ cookie: String) async throws {
        #expect(try await request("DELETE", "/session", headers: [("Cookie", cookie)]).status == 204)
    }
}

extension TestStream {
    /// Passes over what still comes, up to the stream's end.
    func awaitEnd(within bound: Duration = .patience) async throws {
        let deadline = ContinuousClock.now + bound
        while try await nextLine(within: max(.milliseconds(1), deadline - .now)) != nil {}
    }
}
