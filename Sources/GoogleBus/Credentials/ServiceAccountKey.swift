import CryptoExtras
import MessageBus
import StrictJSON

/// A service account's private key, as its key file in JSON has it, and what is signed with it.
struct ServiceAccountKey: Sendable {
    /// What the account may be used for with the tokens.
    static let scope = "https://www.googleapis.com/auth/pubsub"
    /// How long what is signed stays valid, in seconds: the most that Google takes.
    static let assertionLifetime: Int64 = 3600

    /// The account's name.
    let email: String
    let projectID: String?
    /// Where tokens are to be had.
    let tokenURL: String
    private let keyID: String?
    private let key: _RSA.Signing.PrivateKey

    /// Reads a key file's text.
    ///
    /// - Parameter setting: where the text comes from, for errors.
    init(_ json: [UInt8], from setting: String) throws(GoogleBusSetupError) {
        let members = try Self.members(of: json, from: setting)
        func text(_ name: String) throws(GoogleBusSetupError) -> String {
            guard let value = members[name]?.stringValue, !value.isEmpty else {
                throw GoogleBusSetupError(setting, "the key file lacks “\(name)”; \(Self.getAnother)")
            }
            return value
        }
        email = try text("client_email")
        let pem = try text("private_key")
        do {
            key = try _RSA.Signing.PrivateKey(pemRepresentation: pem)
        } catch {
            let hint =
                pem.contains("\\n")
                ? "its line breaks are escaped twice (\\\\n): give the file's text as it is"
                : "it has to be an RSA key of 2048 bits or more in PEM; \(Self.getAnother)"
            throw GoogleBusSetupError(setting, "the private key in the key file cannot be read: \(hint)")
        }
        keyID = members["private_key_id"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 }
        projectID = members["project_id"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 }
        tokenURL = members["token_uri"]?.stringValue ?? "https://oauth2.googleapis.com/token"
        guard Self.mayBeSentTo(tokenURL) else {
            throw GoogleBusSetupError(
                setting, "the key file's token_uri is not an https:// URL (http:// is for loopback only)")
        }
    }

    /// What asks for a token: a JWT that the account's key has signed (RFC 7523 section 3).
    func assertion(at now: WallTime) throws(PubSubError) -> String {
        var header = JSONWriter(reservingCapacity: 128)
        header.beginObject()
        header.key("alg")
        header.string("RS256")
        header.key("typ")
        header.string("JWT")
        if let keyID {
            header.key("kid")
            header.string(keyID)
        }
        header.endObject()
        var claims = JSONWriter(reservingCapacity: 256)
        claims.beginObject()
        claims.key("iss")
        claims.string(email)
        claims.key("scope")
        claims.string(Self.scope)
        claims.key("aud")
        claims.string(tokenURL)
        claims.key("iat")
        claims.int(now.seconds)
        claims.key("exp")
        claims.int(now.seconds.addingReportingOverflow(Self.assertionLifetime).partialValue)
        claims.endObject()
        let signed = "\(Base64.encodeForURL(header.bytes)).\(Base64.encodeForURL(claims.bytes))"
        do {
            let signature = try key.signature(for: Array(signed.utf8), padding: .insecurePKCS1v1_5)
            return "\(signed).\(Base64.encodeForURL(signature.rawRepresentation))"
        } catch {
            throw PubSubError(.unauthenticated, "the service account's key does not sign: \(error)")
        }
    }

    private static let getAnother =
        "make a key by gcloud iam service-accounts keys create key.json --iam-account=ACCOUNT, and give that file whole"

    private static func members(of json: [UInt8], from setting: String) throws(GoogleBusSetupError) -> JSONObject {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONValue.parse(json)
        } catch {
            throw GoogleBusSetupError(
                setting, "the key is not JSON (\(error.code) at byte \(json.isEmpty ? 0 : error.offset)); \(getAnother)"
            )
        }
        guard let members = value.objectValue else {
            throw GoogleBusSetupError(setting, "the key is not a JSON object; \(getAnother)")
        }
        switch members["type"]?.stringValue {
        case "service_account": return members
        case "authorized_user":
            throw GoogleBusSetupError(
                setting, "these are a person's credentials (gcloud auth), not a service account's; \(getAnother)")
        case .some(let type):
            throw GoogleBusSetupError(
                setting,
                "credentials of the type “\(type.prefix(40))” are not supported, only a service_account's key; \(getAnother)"
            )
        case nil: throw GoogleBusSetupError(setting, "the key file does not say its type; \(getAnother)")
        }
    }

    /// What is sent there is worth a token to whoever reads it.
    private static func mayBeSentTo(_ url: String) -> Bool {
        guard url.utf8.count <= 2048, url.utf8.allSatisfy({ (0x21...0x7E).contains($0) }), !url.contains("@") else {
            return false
        }
        if url.hasPrefix("https://") { return url.utf8.count > "https://".utf8.count }
        let host = HTTPExchange.host(of: url).split(separator: ":").first
        return url.hasPrefix("http://") && (host == "127.0.0.1" || host == "localhost")
    }
}
