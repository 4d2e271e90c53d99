import Testing

@testable import Acceptance

struct AlertNumberTests {
    private func find(_ text: String) -> Int? {
        Array(#"{"id":"0eJnc5000001","event":"message","message":"\#(text)","region":"dfw"}"#.utf8)
            .withUnsafeBytes { AlertNumber.find(in: $0) }
    }

    @Test("a text gives its number back, padded or not; any other text gives none")
    func roundTrip() {
        #expect(find(AlertNumber.text(0)) == 0)
        #expect(find(AlertNumber.text(9_999)) == 9_999)
        #expect(find(AlertNumber.text(17, padding: 100)) == 17)
        #expect(find("alert x") == nil)
        #expect(find("alert 12x") == nil)
        #expect(find("alert 99999999999999999999") == nil)
        #expect(find("Aliens over Sydney") == nil)
    }
}
