/// What both ends agreed on about compressing messages: permessage-deflate (RFC 7692 section 7).
///
/// Neither end carries its window over from one message to the next, so nothing is kept for a socket, and a message that is compressed
/// once is good for all of them.
public struct PerMessageDeflate: Sendable, Equatable {
    /// Whether the client asked for a window of at most 15 bits, which is then said back to it (section 7.1.2.1).
    let confirmsWindow: Bool

    init(confirmsWindow: Bool) {
        self.confirmsWindow = confirmsWindow
    }

    /// The agreement for an offer without parameters.
    public init() {
        self.init(confirmsWindow: false)
    }

    /// The value of the server's `Sec-WebSocket-Extensions`.
    var agreement: String {
        let words = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
        return confirmsWindow ? words + "; server_max_window_bits=15" : words
    }
}
