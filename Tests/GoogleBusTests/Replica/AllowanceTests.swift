import Testing

@testable import GoogleBus

struct AllowanceTests {
    @Test("something may be done so often in any stretch of time as long as the window, and no more")
    func window() {
        var allowance = Allowance(2, within: .seconds(60))
        let start = ContinuousClock.now
        let taken = [0, 10, 20, 59, 60, 61, 70, 119, 120].filter { allowance.take(at: start + .seconds($0)) }
        #expect(taken == [0, 10, 60, 70, 120])
    }
}
