import CryptoExtras
import Foundation
import MessageBus
import StrictJSON
import Testing

@testable import GoogleBus

@Suite struct ServiceAccountKeyTests {
    private let setting = "GOOGLE_SERVICE_ACCOUNT_JSON"

    private func reason(_ json: String) -> String? {
        do throws(GoogleBusSetupError) {
            _ = try ServiceAccountKey(Array(json.utf8), from: setting)
            return nil
        } catch {
            #expect(error.setting == setting)
            return error.reason
        }
    }

    @Test("a key is read in PKCS#8 and PKCS#1")
    func forms() throws {
        let key = try KeyFixture.key.get()
        for pem in [key.pkcs8PEMRepresentation, key.pemRepresentation] {
            let read = try ServiceAccountKey(
                Array(KeyFixture.json(tokenURL: "https://oauth2.googleapis.com/token", pem: pem).utf8), from: setting)
            #expect(read.email == KeyFixture.email)
            #expect(read.projectID == "crier-test")
            #expect(read.tokenURL == "https://oauth2.googleapis.com/token")
        }
        #expect(key.pkcs8PEMRepresentation.contains("BEGIN PRIVATE KEY"))
        #expect(key.pemRepresentation.contains("BEGIN RSA PRIVATE KEY"))
    }

    @Test("what an assertion claims is signed with the key, for an hour")
    func assertion() throws {
        let key = try ServiceAccountKey(
            Array(KeyFixture.json(tokenURL: "https://oauth2.googleapis.com/token").utf8), from: setting)
        let parts = try key.assertion(at: WallTime(milliseconds: 1_800_000_000_999)).split(separator: ".")
        try #require(parts.count == 3)
        func bytes(_ part: Substring) throws -> [UInt8] {
            #expect(!part.contains { "+/=".contains($0) })
            var text = part.map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 }
            while text.count % 4 != 0 { text.append("=") }
            return try #require(Base64.decode(String(text)))
        }
        #expect(try JSONValue.parse(bytes(parts[0])) == JSONValue.parse(#"{"alg":"RS256","typ":"JWT","kid":"key-1"}"#))
        #expect(
            try JSONValue.parse(bytes(parts[1]))
                == JSONValue.parse(
                    #"{"iss":"\#(KeyFixture.email)","scope":"https://www.googleapis.com/auth/pubsub","aud":"https://oauth2.googleapis.com/token","iat":1800000000,"exp":1800003600}"#
                ))
        let signature = _RSA.Signing.RSASignature(rawRepresentation: try bytes(parts[2]))
        let signed = Data("\(parts[0]).\(parts[1])".utf8)
        #expect(
            try KeyFixture.key.get().publicKey.isValidSignature(signature, for: signed, padding: .insecurePKCS1v1_5))
    }

    @Test("what is no key says what it is and what to do")
    func refusals() throws {
        let url = "https://oauth2.googleapis.com/token"
        func with(_ name: String, _ value: JSONValue?) throws -> String? {
            reason(try KeyFixture.json(tokenURL: url, changing: [name: value]))
        }
        #expect(reason("")?.contains("not JSON") == true)
        #expect(reason("/etc/key.json")?.contains("not JSON") == true)
        #expect(reason("[]")?.contains("not a JSON object") == true)
        #expect(try with("type", nil)?.contains("does not say its type") == true)
        #expect(try with("type", .string("authorized_user"))?.contains("a person's credentials") == true)
        #expect(try with("type", .string("external_account"))?.contains("“external_account” are not supported") == true)
        #expect(try with("client_email", nil)?.contains("lacks “client_email”") == true)
        #expect(try with("private_key", .number(7))?.contains("lacks “private_key”") == true)
        #expect(try with("private_key", .string("x"))?.contains("cannot be read") == true)
        let escaped = try KeyFixture.key.get().pkcs8PEMRepresentation.replacingOccurrences(of: "\n", with: "\\n")
        #expect(try with("private_key", .string(escaped))?.contains("escaped twice") == true)
        for url in [
            "http://example.com/token", "https://", "ftp://x", "http://127.0.0.1@example.com/", "https://a b", "",
        ] {
            #expect(reason(try KeyFixture.json(tokenURL: url))?.contains("token_uri") == true, "\(url)")
        }
        #expect(try with("private_key", .string("SECRET"))?.contains("SECRET") == false)
    }

    @Test("whatever stands in a key file is read or refused")
    func fuzz() throws {
        let whole = Array(try KeyFixture.json(tokenURL: "https://oauth2.googleapis.com/token").utf8)
        for place in stride(from: 0, to: whole.count, by: 7) {
            _ = reason(String(decoding: whole[..<place], as: UTF8.self))
            var changed = whole
            changed[place] ^= 0x11
            _ = reason(String(decoding: changed, as: UTF8.self))
        }
    }

    @Test("the key is found in the settings' text, or else in the file")
    func loading() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "key-\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: file) }
        var configuration = GoogleBusConfiguration()
        #expect(try ServiceAccountKey.load(configuration)?.email == nil)
        configuration.credentialsFile = file.path
        func reason() -> String? {
            do throws(GoogleBusSetupError) {
                _ = try ServiceAccountKey.load(configuration)
                return nil
            } catch {
                return error.description
            }
        }
        #expect(reason()?.contains("GOOGLE_APPLICATION_CREDENTIALS: the file “\(file.path)” is not there") == true)
        try "nonsense".write(to: file, atomically: true, encoding: .utf8)
        #expect(reason()?.contains("not JSON") == true)
        try KeyFixture.json(tokenURL: "https://a.example").write(to: file, atomically: true, encoding: .utf8)
        #expect(try ServiceAccountKey.load(configuration)?.tokenURL == "https://a.example")
        configuration.serviceAccountJSON = try KeyFixture.json(tokenURL: "https://b.example")
        #expect(try ServiceAccountKey.load(configuration)?.tokenURL == "https://b.example")
        configuration.serviceAccountJSON = nil
        configuration.credentialsFile = FileManager.default.temporaryDirectory.path
        #expect(reason()?.contains("cannot be read") == true)
    }
}
