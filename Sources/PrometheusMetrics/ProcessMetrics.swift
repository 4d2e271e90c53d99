#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The metrics of this process that every Prometheus client has, from Linux' `/proc`; elsewhere there are none.
public struct ProcessMetrics: Sendable {
    struct Sample: Equatable {
        let name: String
        let type: String
        let help: String
        let value: Double
    }

    /// What `/proc/self/stat` says (proc_pid_stat(5)), in ticks and pages.
    struct Status: Equatable {
        let processorTicks: UInt64
        let startTicks: UInt64
        let virtualBytes: UInt64
        let residentPages: UInt64

        /// Reads the line; `nil` if it is not one. The second field is the command in parentheses and may hold
        /// anything, so fields are counted from the last parenthesis on.
        init?(stat: String) {
            guard let end = stat.lastIndex(of: ")") else { return nil }
            let fields = stat[stat.index(after: end)...].split(whereSeparator: \.isWhitespace)
            guard fields.count > 21, let user = UInt64(fields[11]), let system = UInt64(fields[12]),
                let start = UInt64(fields[19]), let size = UInt64(fields[20]), let resident = UInt64(fields[21])
            else { return nil }
            (processorTicks, startTicks, virtualBytes, residentPages) = (user &+ system, start, size, resident)
        }
    }

    static let names: Set<String> = [
        "process_cpu_seconds_total", "process_max_fds", "process_open_fds", "process_resident_memory_bytes",
        "process_start_time_seconds", "process_virtual_memory_bytes",
    ]

    public init() {}

    /// The time of boot in Unix seconds, from the `btime` line of `/proc/stat`.
    static func bootTime(stat: String) -> Double? {
        let line = stat.split(separator: "\n").first { $0.hasPrefix("btime ") }
        return line.flatMap { Double($0.dropFirst("btime ".count)) }
    }

    #if os(Linux)
        /// Reads what there is to read now; what cannot be read is left out.
        func samples() -> [Sample] {
            var samples: [Sample] = []
            func add(_ name: String, _ type: String, _ help: String, _ value: Double) {
                samples.append(Sample(name: name, type: type, help: help, value: value))
            }
            if let text = Self.contents(of: "/proc/self/stat"), let status = Status(stat: text) {
                let ticks = Double(max(sysconf(Int32(_SC_CLK_TCK)), 1))
                let page = Double(max(sysconf(Int32(_SC_PAGESIZE)), 1))
                add(
                    "process_cpu_seconds_total", "counter", "User and system CPU time spent in seconds.",
                    Double(status.processorTicks) / ticks)
                add(
                    "process_resident_memory_bytes", "gauge", "Resident memory size in bytes.",
                    Double(status.residentPages) * page)
                add(
                    "process_virtual_memory_bytes", "gauge", "Virtual memory size in bytes.",
                    Double(status.virtualBytes))
                if let boot = Self.contents(of: "/proc/stat").flatMap(Self.bootTime(stat:)) {
                    add(
                        "process_start_time_seconds", "gauge", "Start time of the process in Unix seconds.",
                        boot + Double(status.startTicks) / ticks)
                }
            }
            if let count = Self.openDescriptors() {
                add("process_open_fds", "gauge", "Number of open file descriptors.", Double(count))
            }
            var limit = rlimit()
            if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
                add("process_max_fds", "gauge", "Maximum number of open file descriptors.", Double(limit.rlim_cur))
            }
            return samples
        }

        /// Linux 6.2 and later give the number as the directory's size; before, the entries are counted.
        private static func openDescriptors() -> Int? {
            var status = stat()
            if stat("/proc/self/fd", &status) == 0, status.st_size > 0 { return Int(status.st_size) }
            guard let directory = opendir("/proc/self/fd") else { return nil }
            defer { closedir(directory) }
            var entries = 0
            while readdir(directory) != nil { entries += 1 }
            // Without `.`, `..` and the descriptor of the directory itself.
            return max(entries - 3, 0)
        }

        /// The text of a small file, at most 1 MiB of it.
        private static func contents(of path: String) -> String? {
            let descriptor = open(path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { return nil }
            defer { close(descriptor) }
            var bytes: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 16_384)
            while bytes.count < 1 << 20 {
                let count = read(descriptor, &buffer, buffer.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { break }
                bytes.append(contentsOf: buffer[..<count])
            }
            return String(decoding: bytes, as: UTF8.self)
        }
    #else
        func samples() -> [Sample] { [] }
    #endif
}
