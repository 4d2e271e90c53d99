import Testing

@testable import Gateway

struct CrowdCrestTests {
    private func ebbs(_ counts: [Int]) -> [Bool] {
        var crest = CrowdCrest(crowd: 1000)
        return counts.map { crest.hasEbbed(to: $0) }
    }

    @Test("is told once, when a crowd has left and no one else leaves")
    func once() {
        #expect(ebbs([0, 5000, 3000, 1000, 100, 100, 100]) == [false, false, false, false, false, true, false])
    }

    @Test("is not told of a few, of many who are replaced, or while they come")
    func few() {
        #expect(ebbs([5000, 4500, 4500, 4100, 4100]).allSatisfy { !$0 })
        #expect(ebbs([5000, 5000, 5000]).allSatisfy { !$0 })
        #expect(ebbs([0, 1000, 2000, 9000]).allSatisfy { !$0 })
    }

    @Test("is told again of the next crowd, and of one that has left little by little")
    func again() {
        #expect(ebbs([2000, 0, 0, 2000, 0, 0]) == [false, false, true, false, false, true])
        #expect(ebbs([2000, 1500, 1500, 1000, 1000]) == [false, false, false, false, true])
    }
}
