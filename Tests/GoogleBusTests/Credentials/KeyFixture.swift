import CryptoExtras
import Foundation
import NIOConcurrencyHelpers
import StrictJSON

@testable import GoogleBus

/// A service account's key, made once: an RSA key takes its time.
enum KeyFixture {
    static let email = "crier@crier-test.iam.gserviceaccount.com"
    static let key = Result { try _RSA.Signing.PrivateKey(keySize: .bits2048) }

    /// The key file's text.
    static func json(tokenURL: String, pem: String? = nil, changing changes: [String: JSONValue?] = [:]) throws
        -> String
    {
        var members: [String: JSONValue] = [
            "type": .string("service_account"), "project_id": .string("crier-test"),
            "private_key_id": .string("key-1"), "client_email": .string(email), "client_id": .string("1"),
            "private_key": .string(try pem ?? key.get().pkcs8PEMRepresentation), "token_uri": .string(tokenURL),
        ]
        for (name, value) in changes { members[name] = value }
        return JSONValue.object(JSONObject(members.map { ($0.key, $0.value) })).description
    }

    static func configuration(_ server: LoopbackServer) throws -> GoogleBusConfiguration {
        var configuration = GoogleBusConfiguration()
        configuration.serviceAccountJSON = try json(tokenURL: server.url + "/token")
        return configuration
    }

    static func token(_ text: String, _ seconds: Int = 3600) -> LoopbackServer.Answer {
        .reply(#"{"access_token":"\#(text)","expires_in":\#(seconds),"token_type":"Bearer"}"#)
    }
}

/// Numbers what is given out.
final class Counter: Sendable {
    private let count = NIOLockedValueBox(0)

    var value: Int { count.withLockedValue { $0 } }

    func next() -> Int {
        count.withLockedValue { count in
            count += 1
            return count
        }
    }
}
