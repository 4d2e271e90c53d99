#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// What the system lets this process have, and what it has used.
enum SystemLimits {
    /// Files besides the sockets: the standard streams, the loops', the probes', the publishers'.
    private static let otherFiles = 64

    /// Raises the number of files that may be open as far as it may be raised.
    ///
    /// - Throws: where the sockets do not fit in.
    static func makeRoom(forSockets sockets: Int) throws(LoadFailure) {
        var limit = rlimit()
        #if canImport(Glibc)
            let files = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
            let files = RLIMIT_NOFILE
        #endif
        guard getrlimit(files, &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(files, &limit)
        guard getrlimit(files, &limit) == 0, limit.rlim_cur < rlim_t(sockets + otherFiles) else { return }
        throw LoadFailure(
            description: "\(sockets) sockets need \(sockets + otherFiles) open files, and this process may have "
                + "\(limit.rlim_cur): raise the limit with ulimit -n")
    }

    /// CPU time of the thread that asks, in seconds.
    static var threadCPUSeconds: Double {
        // RUSAGE_THREAD (getrusage(2)), which Swift's module of the C library leaves out.
        let thread: CInt = 1
        var usage = rusage()
        #if canImport(Glibc)
            getrusage(__rusage_who_t(thread), &usage)
        #else
            getrusage(thread, &usage)
        #endif
        let seconds = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec
        let microseconds = Int(usage.ru_utime.tv_usec) + Int(usage.ru_stime.tv_usec)
        return Double(seconds) + Double(microseconds) / 1_000_000
    }
}
