import Broadcasting

/// A stream that is to begin: at once, or once the VM, which has just started, knows where the log stands. A poll does not wait for that: it gets what
/// there is, and asks again.
struct StreamBeginning {
    private let isPolling: Bool
    /// Holds the request, so it is let go once it was called.
    private var begin: ((Reader) -> Void)?

    init(of request: ReadRequest, at reception: Reception) {
        isPolling = request.isPolling
        begin = { reception.shard.begin($0, request, reception.context) }
    }

    /// Whether the reader has to wait.
    func isHeldUp(_ reader: Reader) -> Bool { reader.isWaiting && !isPolling }

    /// What begins the stream; `nil` while the reader has to wait, and once it was taken.
    mutating func take(for reader: Reader) -> ((Reader) -> Void)? {
        guard !isHeldUp(reader) else { return nil }
        defer { begin = nil }
        return begin
    }
}
