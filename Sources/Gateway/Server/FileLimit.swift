#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The process's limit on open files, which bounds its sockets.
enum FileLimit {
    /// Files that are not sockets of peers.
    private static let reserve = 64

    /// Raises the limit as far as the system lets it.
    ///
    /// - Returns: how many connections fit.
    static func raise() -> Int {
        var limit = rlimit()
        #if canImport(Glibc)
            let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
            let resource = RLIMIT_NOFILE
        #endif
        guard getrlimit(resource, &limit) == 0 else { return 1024 - reserve }
        limit.rlim_cur = limit.rlim_max
        _ = setrlimit(resource, &limit)
        guard getrlimit(resource, &limit) == 0 else { return 1024 - reserve }
        return max(reserve, Int(clamping: limit.rlim_cur) - reserve)
    }
}
