import Testing

@testable import PostgresBus

/// When a backend is tried again.
struct ReconnectGateTests {
    @Test("Nobody tries within the backoff, which doubles from a second to three")
    func backsOff() {
        var gate = ReconnectGate()
        let now = ContinuousClock.now
        #expect(gate.failure(at: now) == nil)
        for (highest, lowest) in [(1.0, 0.1), (2.0, 0.1), (3.0, 0.1), (3.0, 0.1)] {
            var quick = gate
            quick.failed(.overloaded, at: now, chance: 0)
            #expect(quick.failure(at: now + .seconds(lowest - 0.01)) == .overloaded)
            #expect(quick.failure(at: now + .seconds(lowest + 0.01)) == nil)
            gate.failed(.overloaded, at: now, chance: 1)
            #expect(gate.failure(at: now + .seconds(highest - 0.01)) == .overloaded)
            #expect(gate.failure(at: now + .seconds(highest + 0.01)) == nil)
        }
        gate.succeeded()
        #expect(gate.failure(at: now) == nil)
    }

    @Test("However long it is away, the gate goes on")
    func countsWithoutEnd() {
        var gate = ReconnectGate()
        for _ in 0..<1000 { gate.failed(.overloaded, at: .now) }
        #expect(gate.failure(at: .now) == .overloaded)
    }
}
