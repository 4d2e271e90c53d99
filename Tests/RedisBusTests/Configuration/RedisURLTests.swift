import Testing

@testable import RedisBus

struct RedisURLTests {
    private static let valid: [(String, RedisURL)] = [
        ("redis://localhost", url("localhost", 6379)),
        ("REDIS://localhost:1/", url("localhost", 1)),
        ("redis://127.0.0.1:6380/15", url("127.0.0.1", 6380, database: 15)),
        ("redis://[fdaa::3]:6380/2", url("fdaa::3", 6380, database: 2)),
        ("redis://[::1]", url("::1", 6379)),
        ("redis://:secret@host", url("host", 6379, password: "secret")),
        ("redis://user:se%40%3Acret@host", url("host", 6379, user: "user", password: "se@:cret")),
        ("redis://user:p@ss@host:1", url("host", 1, user: "user", password: "p@ss")),
        ("redis://default:%D0%BF@host", url("host", 6379, user: "default", password: "п")),
        ("rediss://host:6380", url("host", 6380, isEncrypted: true)),
        ("rediss://host?ca=/etc/ca%20file.pem", url("host", 6379, isEncrypted: true, certificates: "/etc/ca file.pem")),
        ("unix:///run/redis.sock", RedisURL(location: .server(.unix(path: "/run/redis.sock")))),
        (
            "unix://u:p@/run/redis.sock?db=3",
            RedisURL(user: "u", password: "p", location: .server(.unix(path: "/run/redis.sock")), database: 3)
        ),
        (
            "redis+sentinel://u:p@a:1,b,[::1]:3/mymaster/4",
            RedisURL(
                user: "u", password: "p",
                location: .sentinels(
                    [.tcp(host: "a", port: 1), .tcp(host: "b", port: 26379), .tcp(host: "::1", port: 3)],
                    master: "mymaster"), database: 4)
        ),
        (
            "redis+sentinel://a/my%2Fmaster",
            RedisURL(location: .sentinels([.tcp(host: "a", port: 26379)], master: "my/master"))
        ),
    ]

    private static let invalid: [(String, RedisURLError)] = [
        ("", .scheme), ("localhost:6379", .scheme), ("http://host", .scheme), ("redis:host", .scheme),
        ("redis://", .host), ("redis://:6379", .host), ("redis://[::1", .host), ("redis://[host]", .host),
        ("redis://[::1]x", .host), ("redis://a b", .host), ("redis://a,b", .host), ("redis://a%zz", .host),
        ("redis://host:", .port), ("redis://host:0", .port), ("redis://host:65536", .port), ("redis://host:-1", .port),
        ("redis://host:٣", .port), ("redis://::1", .host),
        ("redis://host/x", .database), ("redis://host/-1", .database), ("redis://host/1/2", .database),
        ("redis://u:%zz@host", .credentials), ("redis://u:%f@host", .credentials), ("redis://u:%ff@host", .credentials),
        ("redis://user@host", .credentials),
        ("unix://", .path), ("unix://host/path", .path), ("unix:///p?db=x", .database),
        ("unix:///p?ca=x", .parameter("ca")),
        ("redis+sentinel://a", .master), ("redis+sentinel://a//1", .master), ("redis+sentinel://a,/m", .host),
        ("redis+sentinel:///m", .host), ("redis+sentinel://a/m/x", .database),
        ("redis://host?ca=/x", .parameter("ca")), ("rediss://host?ca=", .parameter("ca")),
        ("rediss://host?insecure=1", .parameter("insecure")),
    ]

    @Test("A URL names its server", arguments: valid)
    func parses(_ text: String, _ expected: RedisURL) throws {
        #expect(try RedisURL(text) == expected)
    }

    @Test("A URL that names none says what is wrong with it", arguments: invalid)
    func refuses(_ text: String, _ expected: RedisURLError) {
        #expect(throws: expected) { try RedisURL(text) }
    }

    @Test("What is wrong with a URL never says its password")
    func hidesPassword() {
        for text in ["redis://u:hunter2@", "redis://u:hunter2@h:x", "redis://u:hunter2%zz@h", "http://u:hunter2@h"] {
            do throws(RedisURLError) {
                _ = try RedisURL(text)
                Issue.record("\(text) is taken")
            } catch {
                #expect(!"\(error)".contains("hunter2"))
            }
        }
    }

    private static func url(
        _ host: String, _ port: Int, user: String? = nil, password: String? = nil, database: Int = 0,
        isEncrypted: Bool = false, certificates: String? = nil
    ) -> RedisURL {
        RedisURL(
            user: user, password: password, location: .server(.tcp(host: host, port: port)), database: database,
            isEncrypted: isEncrypted, certificates: certificates)
    }
}
