import NIOCore
import Testing

@testable import RedisBus

struct ConnectionGateTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
    private let failure = RedisFailure(.link, "away")

    @Test("One connects, the others wait, and then all use the same")
    func oneConnects() {
        var gate = ConnectionGate<Int>()
        #expect(word(gate.ask(at: start) { _ in true }) == "connect")
        #expect(word(gate.ask(at: start) { _ in true }) == "wait")
        #expect(gate.connected(7) == true)
        #expect(word(gate.ask(at: start) { _ in true }) == "use 7")
        #expect(word(gate.ask(at: start) { _ in false }) == "connect")
    }

    @Test("After a failure nobody tries for a while, and everyone is told it")
    func leftAlone() {
        var generator = SeededBytes(state: 1)
        var gate = ConnectionGate<Int>()
        var now = start
        for bound in [1, 2, 3, 3, 3] {
            #expect(word(gate.ask(at: now) { _ in true }) == "connect")
            gate.failed(failure, at: now, using: &generator)
            #expect(word(gate.ask(at: now + .milliseconds(99)) { _ in true }) == "refuse away")
            now = now + .seconds(Int64(bound))
        }
        #expect(word(gate.ask(at: now) { _ in true }) == "connect")
    }

    @Test("A gate that was closed keeps no connection")
    func closed() {
        var gate = ConnectionGate<Int>()
        _ = gate.ask(at: start) { _ in true }
        let none = gate.close()
        #expect(none == nil)
        let isKept = gate.connected(7)
        #expect(!isKept)
        #expect(word(gate.ask(at: start) { _ in true }).hasPrefix("refuse"))

        var open = ConnectionGate<Int>()
        _ = open.ask(at: start) { _ in true }
        #expect(open.connected(8) == true)
        #expect(open.close() == 8)
        #expect(open.close() == nil)
    }

    private func word(_ answer: ConnectionGate<Int>.Answer) -> String {
        switch answer {
        case .use(let connection): "use \(connection)"
        case .connect: "connect"
        case .wait: "wait"
        case .refuse(let failure): "refuse \(failure.message)"
        }
    }
}
