import Testing

@testable import Gateway

@Suite struct CookiesTests {
    @Test(
        "the first cookie of the name is found, whatever stands around it",
        arguments: [
            ("a=1", "1"), ("b=2; a=1", "1"), ("b=2;a=1", "1"), ("b=2; \t a=1; a=3", "1"), ("a=", ""), ("a=x=y", "x=y"),
            ("a; a=1", "1"), (";;; a=1", "1"), ("aa=2; a=1", "1"), ("ä=2; a=1", "1"), ("a=\u{301}1", "\u{301}1"),
        ])
    func found(header: String, value: String) {
        let found = Cookies.value(of: "a", in: header)
        #expect(found.map { Array($0.utf8) } == Array(value.utf8))
    }

    @Test("and nothing else", arguments: ["", ";", "b=1", "A=1", "a", " =1", "=a", "b=a=1", "a =1", "aa=1", "\"a=1\""])
    func missing(header: String) {
        #expect(Cookies.value(of: "a", in: header) == nil)
    }
}
