import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension ServerProcess {
    /// Sends SIGKILL to the process and to those that it started, and waits for the end of all.
    func endWithChildrenByKill() async throws {
        guard isRunning else { return }
        // A stopped process starts none that would be missed.
        send(SIGSTOP)
        let children = Self.children(of: pid)
        for pid in [pid] + children { _ = Self.signal(pid, SIGKILL) }
        try await end()
        try await eventually("the end of the processes") {
            children.allSatisfy { Self.signal($0, 0) != 0 || Self.state(of: $0)?.state == "Z" }
        }
    }

    private static func signal(_ pid: pid_t, _ signal: Int32) -> Int32 {
        #if canImport(Glibc)
            Glibc.kill(pid, signal)
        #elseif canImport(Musl)
            Musl.kill(pid, signal)
        #else
            Darwin.kill(pid, signal)
        #endif
    }

    /// Where the system has no `/proc` there are none.
    private static func children(of parent: pid_t) -> [pid_t] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { pid_t($0) }.filter { state(of: $0)?.parent == parent }
    }

    /// The fields of `/proc/<pid>/stat` (proc(5)) after the program's name, which may itself hold any character.
    private static func state(of pid: pid_t) -> (state: Substring, parent: pid_t)? {
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
            let end = text.lastIndex(of: ")")
        else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 1, let parent = pid_t(fields[1]) else { return nil }
        return (fields[0], parent)
    }
}
