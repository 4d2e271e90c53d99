/// One offer of permessage-deflate by a client, as its parameters come (RFC 7692 section 7.1).
struct DeflateOffer {
    private var seen: Set<Parameter> = []
    private var isValid = true
    private var serverWindowBits: Int?

    private enum Parameter: String {
        case serverNoContextTakeover = "server_no_context_takeover"
        case clientNoContextTakeover = "client_no_context_takeover"
        case serverMaxWindowBits = "server_max_window_bits"
        case clientMaxWindowBits = "client_max_window_bits"
    }

    /// What the offer leads to; `nil` where it is declined: a parameter is unknown, repeated or has a value that it cannot have, or the
    /// client wants a smaller window than the one that messages are compressed with for everyone.
    var agreement: PerMessageDeflate? {
        guard isValid, serverWindowBits == nil || serverWindowBits == 15 else { return nil }
        return PerMessageDeflate(confirmsWindow: serverWindowBits != nil)
    }

    /// Takes the next parameter.
    /// - Parameter value: without quotes; `nil` where there is none.
    mutating func take(_ name: String, value: String?) {
        guard let parameter = Parameter(rawValue: name), seen.insert(parameter).inserted else {
            isValid = false
            return
        }
        switch parameter {
        case .serverNoContextTakeover, .clientNoContextTakeover:
            isValid = isValid && value == nil
        case .serverMaxWindowBits:
            serverWindowBits = value.flatMap(Self.windowBits)
            isValid = isValid && serverWindowBits != nil
        case .clientMaxWindowBits:
            // Whatever a client promises to stay within is read with the largest window.
            isValid = isValid && value.map { Self.windowBits($0) != nil } ?? true
        }
    }

    /// 8 to 15 in decimal, without a leading zero (section 7.1.2).
    private static func windowBits(_ text: String) -> Int? {
        guard let bits = Int(text), (8...15).contains(bits), String(bits) == text else { return nil }
        return bits
    }
}
