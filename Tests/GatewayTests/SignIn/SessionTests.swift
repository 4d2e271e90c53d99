import Broadcasting
import CrierTesting
import MessageBus
import Testing

@testable import Gateway

@Suite struct SessionTests {
    private static let start = WallTime(seconds: 1_800_000_000)

    private static func book(lifetime: Duration = .seconds(100)) -> (SessionBook, VirtualClock, InProcessStore) {
        let clock = VirtualClock(at: start)
        let store = InProcessStore(clock: clock.wallClock)
        return (SessionBook(store: store, lifetime: lifetime, clock: clock.wallClock), clock, store)
    }

    @Test("a session is read as it was written")
    func roundTrip() throws {
        let grants = Grants(publish: [try #require(TopicPattern("a-*"))], subscribe: [try #require(TopicPattern("*"))])
        for session in [
            Session(user: "Ada \"L\" ⚙︎\u{0}", since: Self.start),
            Session(user: "", since: WallTime(milliseconds: .min), ends: WallTime(milliseconds: .max), grants: grants),
        ] {
            #expect(Session(json: session.json) == session)
        }
    }

    @Test(
        "what is no session is nobody's",
        arguments: [
            "", "null", "[]", "{}", "1", #"{"user":"a"}"#, #"{"since":1}"#, #"{"user":1,"since":1}"#,
            #"{"user":"a","since":"1"}"#, #"{"user":"a","since":1.5}"#, #"{"user":"a","since":1e400}"#,
            #"{"user":"a","since":9223372036854775808}"#, #"{"user":"a","since":1,"publish":"x"}"#,
            #"{"user":"a","since":1,"publish":[1]}"#, #"{"user":"a","since":1,"subscribe":["a b"]}"#,
            #"{"user":"a","since":1,"subscribe":[null]}"#, #"{"user":"a","since":1"#, #"{"user":"a","since":1}x"#,
        ])
    func garbage(json: String) {
        #expect(Session(json: Array(json.utf8)) == nil)
    }

    @Test("no bytes make it trap")
    func anyBytes() {
        var random = SeededGenerator(seed: 7)
        let valid = Session(
            user: "Ada", since: Self.start, ends: Self.start, grants: Grants(publish: [], subscribe: [])
        ).json
        for _ in 0..<5_000 {
            var bytes = valid
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            guard let session = Session(json: bytes) else { continue }
            #expect(Session(json: session.json) == session)
        }
    }

    @Test("a secret is 64 digits of base 16, and no two are alike")
    func secrets() {
        let secret = SessionSecret()
        #expect(SessionSecret(secret.text) == secret)
        #expect(secret != SessionSecret())
        #expect(secret.key != SessionSecret().key)
        #expect(secret.key == SessionSecret(secret.text)?.key)
        // Who knows the key does not know the secret.
        #expect(secret.key.text != secret.text)
        #expect(SessionKey(secret.key.text) == secret.key)
    }

    @Test("SHA-256 of the secret's text is the key")
    func key() throws {
        let secret = try #require(SessionSecret(String(repeating: "0", count: 64)))
        #expect(secret.key.text == "60e05bd1b195af2f94112fa7197a5c88289058840ce7c6df9693756bc6250f55")
    }

    @Test(
        "what is no secret is none",
        arguments: [
            "", "0", String(repeating: "0", count: 63), String(repeating: "0", count: 65),
            String(repeating: "A", count: 64), String(repeating: "g", count: 64), String(repeating: "０", count: 64),
            String(repeating: "0", count: 63) + " ", String(repeating: "0", count: 62) + "ä",
        ])
    func noSecret(text: String) {
        #expect(SessionSecret(text) == nil)
        #expect(SessionKey(text) == nil)
        #expect(SessionSecret(inCookies: "crier_session=\(text)") == nil)
    }

    @Test("of several cookies the first counts")
    func cookies() {
        let (one, other) = (SessionSecret(), SessionSecret())
        let header = "a=b; crier_session=\(one.text); crier_session=\(other.text)"
        #expect(SessionSecret(inCookies: header) == one)
        #expect(SessionSecret(inCookies: "crier_session=x; crier_session=\(other.text)") == nil)
    }

    @Test("a session lasts its time after it was used last")
    func lasts() async throws {
        let (book, clock, _) = Self.book()
        let session = Session(user: "Ada", since: Self.start)
        let secret = try await book.begin(session)
        clock.advance(milliseconds: 99_000)
        #expect(try await book.find(secret.key) == session)
        try await book.refresh(secret.key, session)
        clock.advance(milliseconds: 99_000)
        #expect(try await book.find(secret.key) == session)
        clock.advance(milliseconds: 1_000)
        #expect(try await book.find(secret.key) == nil)
        // Nobody who uses it late brings it back.
        try await book.refresh(secret.key, session)
        #expect(try await book.find(secret.key) == nil)
    }

    @Test("the end of the token by which someone signed in is the session's, however it is used")
    func ends() async throws {
        let (book, clock, _) = Self.book()
        let session = Session(user: "Ada", since: Self.start, ends: Self.start.advanced(byMilliseconds: 150_000))
        #expect(book.rest(of: session) == .seconds(100))
        let secret = try await book.begin(session)
        clock.advance(milliseconds: 90_000)
        #expect(book.rest(of: session) == .seconds(60))
        try await book.refresh(secret.key, session)
        clock.advance(milliseconds: 59_999)
        #expect(try await book.find(secret.key) == session)
        clock.advance(milliseconds: 1)
        #expect(try await book.find(secret.key) == nil)
        #expect(book.rest(of: session) > .zero)
    }

    @Test("ending says whether there was one")
    func end() async throws {
        let (book, _, _) = Self.book()
        let secret = try await book.begin(Session(user: "Ada", since: Self.start))
        #expect(try await book.end(secret.key))
        #expect(try await !book.end(secret.key))
        #expect(try await book.find(secret.key) == nil)
    }

    @Test("the store is not told the secret")
    func stored() async throws {
        let (book, _, store) = Self.book()
        let secret = try await book.begin(Session(user: "Ada", since: Self.start))
        let collection = try #require(StoreCollection("sessions"))
        let entries = try await store.entries(of: collection, limit: 10)
        #expect(entries.count == 1)
        #expect(entries.first?.name.key == secret.key.text)
        #expect(entries.allSatisfy { !String(decoding: $0.value, as: UTF8.self).contains(secret.text) })
    }

    @Test("what another version wrote, or no session, is nobody's")
    func unreadable() async throws {
        let (book, _, store) = Self.book()
        let secret = SessionSecret()
        let name = try #require(StoreCollection("sessions").flatMap { StoreName($0, secret.key.text) })
        try await store.set(name, Array("{".utf8), lasting: .seconds(10))
        #expect(try await book.find(secret.key) == nil)
    }

    @Test("what VMs tell each other is read as it was written, and nothing else is")
    func notices() {
        let key = SessionSecret().key
        for notice in [DeploymentNotice.sessionEnded(key), .presenceChanged] {
            #expect(DeploymentNotice(notice.text) == notice)
        }
        let draft = DeploymentNotice.sessionEnded(key).draft(region: "syd", clock: WallClock { Self.start })
        #expect(draft.topic == .control)
        #expect(draft.content.message == "session-ended \(key.text)")
        for text in [
            "", " ", "session-ended", "session-ended ", "session-ended x", "session-ended \(key.text) ",
            "session-ended \(key.text) x", "session-ended  \(key.text)", "presence-changed x", "Presence-changed",
            "something-else \(key.text)",
        ] {
            #expect(DeploymentNotice(text) == nil, "\(text)")
        }
    }
}
