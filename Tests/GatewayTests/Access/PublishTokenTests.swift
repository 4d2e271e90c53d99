import Testing

@testable import Gateway

@Suite struct PublishTokenTests {
    @Test("without a token set anyone may publish", arguments: [nil, ""])
    func unset(token: String?) {
        #expect(!PublishToken(token).isSet)
        #expect(PublishToken(token).accepts(nil))
        #expect(PublishToken(token).accepts("x"))
    }

    @Test("only the token itself is accepted")
    func accepts() {
        let token = PublishToken("s3crät")
        #expect(token.isSet)
        #expect(token.accepts("s3crät"))
        for wrong in [nil, "", "s3cra", "s3crät ", "S3CRÄT"] { #expect(!token.accepts(wrong)) }
    }

    @Test(
        "Authorization carries it as Bearer or as Basic's password",
        arguments: [
            ("Bearer s", "s"), ("bearer  s ", "s"), ("BEARER a b", "a b"), ("Basic OnM=", "s"),
            ("Basic dTpzOnQ=", "s:t"),
            ("Basic dTo=", ""),
        ])
    func authorization(value: String, token: String) {
        #expect(PublishToken.token(inAuthorization: value) == token)
    }

    @Test(
        "what is no such value carries none",
        arguments: [nil, "", "s", "Bearer", "Digest s", "Basic !", "Basic dQ==", "Basic /w==", "Basic"])
    func noAuthorization(value: String?) {
        #expect(PublishToken.token(inAuthorization: value) == nil)
    }

    @Test(
        "the query carries such a value in base64url, with or without padding",
        arguments: [
            ("QmVhcmVyIHM", "s"), ("QmVhcmVyIHM=", "s"), ("QmFzaWMgT25NPQ", "s"), ("QmVhcmVyIDw_Pz4-", "<??>>"),
        ])
    func query(value: String, token: String) {
        #expect(PublishToken.token(inQuery: value) == token)
    }

    @Test("what is no base64url carries none", arguments: [nil, "", "!", "QQ", "QmVhcmVy"])
    func noQuery(value: String?) {
        #expect(PublishToken.token(inQuery: value) == nil)
    }
}
