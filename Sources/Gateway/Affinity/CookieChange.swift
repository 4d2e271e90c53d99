import HTTPTypes
import NIOHTTP1

/// What an answer changes of the cookie that keeps a browser at one VM.
struct CookieChange: Equatable, Sendable {
    enum Kind: Equatable, Sendable {
        /// The browser comes back to this VM for a day.
        case set(vm: String)
        case reset
    }

    let kind: Kind
    /// Whether the browser came by HTTPS, and is to send the cookie by nothing else.
    let isSecure: Bool

    static let headerName = "Set-Cookie"

    /// The value of `Set-Cookie`.
    var headerValue: String {
        let (vm, age) =
            switch kind {
            case .set(let vm): (vm, 86_400)
            case .reset: ("", 0)
            }
        return "crier_vm=\(vm); Path=/; Max-Age=\(age); SameSite=Lax; HttpOnly\(isSecure ? "; Secure" : "")"
    }
}

// The answers that carry it. None of them is a cache's to keep, since it is for one browser.

extension HTTPHeaders {
    mutating func carry(_ change: CookieChange) {
        replaceOrAdd(name: "Cache-Control", value: "no-store")
        add(name: CookieChange.headerName, value: change.headerValue)
    }
}

extension HTTPFields {
    mutating func carry(_ change: CookieChange) {
        self[.cacheControl] = "no-store"
        self[.setCookie] = change.headerValue
    }
}

extension GatewayError {
    /// The same refusal, whose HTTP answer carries the change.
    func carrying(_ change: CookieChange?) -> GatewayError {
        guard let change else { return self }
        return GatewayError(
            code, message, retryAfter: retryAfter,
            headers: headers + [Header(name: CookieChange.headerName, value: change.headerValue)])
    }
}
