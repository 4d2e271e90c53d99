import MessageBus
import Testing

@testable import Gateway

@Suite struct HeaderTextTests {
    @Test(
        "encoded words become what they stand for",
        arguments: [
            ("plain", "plain"), ("Grüße", "Grüße"), ("=?utf-8?B?R3LDvMOfZQ==?=", "Grüße"),
            ("=?UTF-8?b?R3LDvMOfZQ==?=", "Grüße"), ("=?utf-8?Q?Gr=C3=BC=C3=9Fe_an_alle?=", "Grüße an alle"),
            ("=?utf-8?q?a=3Fb?=", "a?b"), ("=?iso-8859-1?Q?Gr=FC=DFe?=", "Grüße"), ("=?latin1?B?/A==?=", "ü"),
            ("=?us-ascii*en?Q?hi?=", "hi"), ("=?utf-8?B?8J+Mjw==?=", "🌏"), ("=?utf-8?Q??=", ""),
            ("a =?utf-8?Q?b?= c", "a b c"), ("=?utf-8?Q?a?= =?utf-8?Q?b?=", "ab"),
            ("=?utf-8?Q?a?=  \t =?utf-8?B?Yg==?=", "ab"), ("=?utf-8?Q?a?= and =?utf-8?Q?b?=", "a and b"),
            ("=?utf-8?Q?a?==?utf-8?Q?b?=", "ab"), ("=?utf-8?Q?a_?= =?utf-8?Q?b?=", "a b"),
        ])
    func decoded(text: String, expected: String) {
        #expect(HeaderText.decode(text) == expected)
    }

    @Test(
        "what cannot be read as an encoded word stays",
        arguments: [
            "=?", "=?utf-8", "=?utf-8?B?", "=?utf-8?B?not base64?=", "=?utf-8?X?abc?=", "=?utf-16?B?YQ==?=",
            "=?utf-8?Q?=ZZ?=", "=?utf-8?Q?=C?=", "=?utf-8?Q?=FF?=", "=?utf-8?B?/w==?=", "=?utf-8?Q?a b?=",
            "1 =? 2 ?= 3",
            "=?=?=?", "=?us-ascii?B?!?=",
        ])
    func kept(text: String) {
        #expect(HeaderText.decode(text) == text)
    }

    @Test("a word that cannot be read does not keep the next from being read")
    func afterBad() {
        #expect(HeaderText.decode("=?x =?utf-8?Q?b?=") == "=?x b")
        #expect(HeaderText.decode("=?utf-8?X?a?= =?utf-8?Q?b?=") == "=?utf-8?X?a?= b")
    }

    @Test("a browser's Priority header says nothing of the alert", arguments: ["u=1, i", "u=0", "i", "u=5,i", ""])
    func browserPriority(value: String) throws {
        #expect(try read(input(headers: [("priority", value)])).content.priority == nil)
        #expect(try read(input(headers: [("priority", value)], query: "priority=4")).content.priority == .high)
        #expect(try read(input(headers: [("priority", value), ("p", "5")])).content.priority == .max)
    }

    @Test("X-Priority is never a browser's")
    func ownPriority() {
        #expect(code { _ = try read(input(headers: [("x-priority", "u=1, i")])) } == 40002)
    }

    @Test("fields in headers are decoded and trimmed")
    func fields() throws {
        let request = try read(input(headers: [("title", "  =?utf-8?B?R3LDvMOfZQ==?= "), ("tags", "=?utf-8?Q?a,b?=")]))
        #expect(request.content.title == "Grüße")
        #expect(request.content.tags == ["a", "b"])
    }
}
