import StrictJSON

extension AccessToken {
    /// Reads a token endpoint's answer (RFC 6749 section 5.1).
    init(_ answer: HTTPExchange.Answer, from url: String) throws(PubSubError) {
        let members = (try? JSONValue.parse(answer.body))?.objectValue
        // It becomes part of a header.
        guard let text = members?["access_token"]?.stringValue, (1...8192).contains(text.utf8.count),
            text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }),
            let seconds = members?["expires_in"]?.intValue, seconds > 0
        else {
            throw PubSubError(
                .backend, "\(HTTPExchange.host(of: url)) answered what is no access token", httpStatus: answer.status)
        }
        self.init(text: text, seconds: seconds)
    }
}
