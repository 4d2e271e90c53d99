import CrierTesting
import Foundation
import MessageBus
import PostgresBus

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A PgBouncer in transaction mode before a server: every transaction may get another session.
final class PgBouncer: Sendable {
    let port: Int
    private let process: ServerProcess
    private let directory: URL

    /// Starts it, with four sessions at most, and waits until statements pass.
    init(before server: PostgresServer) async throws {
        port = try ServerProcess.freePort()
        directory = FileManager.default.temporaryDirectory.appendingPathComponent(
            "crier-pgbouncer-\(UInt32.random(in: 0...(.max)))")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let settings = directory.appendingPathComponent("pgbouncer.ini")
        try """
        [databases]
        crier = host=127.0.0.1 port=\(server.port) dbname=crier user=crier
        [pgbouncer]
        listen_addr = 127.0.0.1
        listen_port = \(port)
        unix_socket_dir =
        auth_type = any
        pool_mode = transaction
        default_pool_size = 4
        """.write(to: settings, atomically: true, encoding: .utf8)
        let program = try ServerProcess.find("pgbouncer", alsoIn: ["/usr/sbin", "/usr/local/sbin"])
        // It refuses root.
        let user = geteuid() == 0 ? ["--user=postgres"] : []
        process = try ServerProcess(
            program, user + [settings.path], in: directory, log: directory.appendingPathComponent("log"))
        let url = self.url
        try await eventually("a statement through PgBouncer", of: process) {
            (try? await PostgresTests.withStore(url) { try await $0.open(seen: .origin) }) != nil
        }
    }

    deinit { try? FileManager.default.removeItem(at: directory) }

    var url: String { "postgres://crier@127.0.0.1:\(port)/crier" }
}
