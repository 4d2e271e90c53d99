import Testing

@testable import PostgresBus

/// Addresses of databases.
struct ConnectionParametersTests {
    @Test(
        "Addresses are read as libpq reads them",
        arguments: [
            (
                "postgres://crier@db.example:5433/alerts",
                ["host": "db.example", "port": "5433", "user": "crier", "dbname": "alerts"]
            ),
            (
                "postgresql://u:p%40ss%2F@[::1]/d?sslmode=verify-full",
                ["host": "::1", "password": "p@ss/", "sslmode": "verify-full"]
            ),
            ("postgres:///alerts?host=/run/postgresql", ["host": "/run/postgresql", "dbname": "alerts"]),
            ("host=db dbname=alerts user='a b'", ["host": "db", "dbname": "alerts", "user": "a b"]),
            ("postgres://a:1,b:2/d", ["host": "a,b", "port": "1,2", "target_session_attrs": "read-write"]),
            ("postgres://a,b/d?target_session_attrs=any", ["target_session_attrs": "any"]),
            ("postgres://a/d", ["tcp_user_timeout": "8000", "fallback_application_name": "crier"]),
            ("postgres://a/d?tcp_user_timeout=1", ["tcp_user_timeout": "1"]),
            ("", ["client_encoding": "UTF8"]),
        ])
    func reads(_ address: String, _ expected: [String: String]) throws {
        let parameters = try ConnectionParameters(address, setting: "DATABASE_URL")
        for (key, value) in expected { #expect(parameters[key] == value, "\(key)") }
        let named = parameters.named("crier ID_x")
        #expect(named["fallback_application_name"] == "crier ID_x")
        #expect(Set(named.all.map(\.key)).count == named.all.count)
    }

    @Test("Attempts begin with different hosts, each with its own port")
    func rotates() throws {
        let three = try ConnectionParameters("postgres://a:1,b:2,c:3/d", setting: "DATABASE_URL")
        #expect(three.hostCount == 3)
        #expect(three.rotated(by: 0)["host"] == "a,b,c")
        #expect(three.rotated(by: 1)["host"] == "b,c,a")
        #expect(three.rotated(by: 1)["port"] == "2,3,1")
        #expect(three.rotated(by: 5)["host"] == "c,a,b")
        let onePort = try ConnectionParameters("host=a,b port=5433", setting: "DATABASE_URL")
        #expect(onePort.rotated(by: 1)["host"] == "b,a")
        #expect(onePort.rotated(by: 1)["port"] == "5433")
        let single = try ConnectionParameters("postgres://a:1/d", setting: "DATABASE_URL")
        #expect(single.hostCount == 1 && single.rotated(by: 7)["host"] == "a")
        #expect(try ConnectionParameters("", setting: "DATABASE_URL").hostCount == 1)
    }

    @Test(
        "Addresses that cannot be are refused, without what may be a password",
        arguments: [
            "postgres://u:secret@host:port/d", "postgres://u:secret@host:70000/d", "postgres://u:sec/ret@host/d",
            "postgres://u:secret@[::1/d", "postgres://u:secret@h/d?nothing=1", "postgres://u:secret@h/d?sslmode",
            "postgres://u:secret%zz@h/d", "postgres://u:secret%00@h/d", "host=h password='secret",
            "host=h password secret",
            "secret", "http://u:secret@h/", "postgres://h/d?password=secret&port=0", "host=h\u{0}password=secret",
        ])
    func refuses(_ address: String) throws {
        let error = #expect(throws: PostgresURLError.self) {
            try ConnectionParameters(address, setting: "DATABASE_URL")
        }
        let message = try #require(error).description
        #expect(message.hasPrefix("DATABASE_URL"), "\(message)")
        #expect(!message.contains("secret") && !message.contains("sec") && !message.contains("ret@"), "\(message)")
    }

    @Test(
        "A namespace is a schema's name that needs no quoting",
        arguments: ["", "Crier", "1a", "a-b", "pg_x", "a\"b", "ä", String(repeating: "a", count: 32)])
    func refusesNamespace(_ name: String) {
        #expect(throws: PostgresURLError.self) { try PostgresNamespace(name) }
    }

    @Test("Namespaces that can be", arguments: ["crier", "_a1", String(repeating: "a", count: 31)])
    func takesNamespace(_ name: String) throws {
        #expect(try PostgresNamespace(name).channel == "\(name)_log")
    }
}
