import NIOCore
import Testing

@testable import Gateway

private let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

@Suite struct TokenBucketTests {
    private let rate = Rate(perSecond: 10, burst: 20)

    /// What each of several takes is told, each so many milliseconds after the bucket's beginning.
    private func waits(_ takes: [(count: Int, at: Int64)]) -> [Int] {
        var bucket = TokenBucket(rate, now: start)
        return takes.map { bucket.take($0.count, of: rate, now: start + .milliseconds($0.at)) }
    }

    @Test("a burst passes at once, and then one in each tenth of a second")
    func rateAndBurst() {
        let burst = Array(repeating: (count: 1, at: Int64(0)), count: 20)
        #expect(waits(burst + [(1, 0), (1, 99), (1, 101), (1, 101)]) == Array(repeating: 0, count: 20) + [1, 1, 0, 1])
    }

    @Test("it holds no more than a burst however long nothing comes")
    func ceiling() {
        let takes = Array(repeating: (count: 1, at: Int64(360_000_000)), count: 21)
        #expect(waits(takes) == Array(repeating: 0, count: 20) + [1])
    }

    @Test("the wait is in whole seconds until there is enough")
    func wait() {
        #expect(waits([(20, 0), (15, 0), (15, 1400), (15, 1501)]) == [0, 2, 1, 0])
    }

    @Test("more than a burst at once takes a whole burst")
    func large() {
        #expect(waits([(1000, 0), (1000, 0), (1000, 2000)]) == [0, 2, 0])
    }

    @Test("it is full again once it has gained what was taken")
    func full() {
        var bucket = TokenBucket(rate, now: start)
        _ = bucket.take(20, of: rate, now: start)
        let isFull = [1999, 2000].map { bucket.isFull(rate, now: start + .milliseconds($0)) }
        #expect(isFull == [false, true])
    }

    @Test("time that goes backwards gives nothing")
    func backwards() {
        #expect(waits([(20, 0), (1, -60_000)]) == [0, 1])
    }
}

@Suite struct AddressLimitsTests {
    private let one = ClientAddress(text: "192.0.2.1")
    private let two = ClientAddress(text: "192.0.2.2")
    private let limits = AddressLimits.Limits(
        alerts: Rate(perSecond: 1, burst: 2), handshakes: Rate(perSecond: 1, burst: 3), sockets: 2)

    private func refused(_ body: () throws(GatewayError) -> Void) -> (code: Int, retryAfter: Int?)? {
        do throws(GatewayError) { try body() } catch { return (error.code.number, error.retryAfter) }
        return nil
    }

    @Test("each address has its own rate of alerts")
    func alerts() {
        let addresses = AddressLimits(limits)
        for _ in 0..<2 {
            #expect(refused { () throws(GatewayError) in try addresses.admitAlerts(from: one, now: start) } == nil)
        }
        let refusal = refused { () throws(GatewayError) in try addresses.admitAlerts(from: one, now: start) }
        #expect(refusal?.code == 42901)
        #expect(refusal?.retryAfter == 1)
        #expect(refused { () throws(GatewayError) in try addresses.admitAlerts(from: two, now: start) } == nil)
        #expect(
            refused { () throws(GatewayError) in try addresses.admitAlerts(from: one, now: start + .seconds(1)) } == nil
        )
    }

    @Test("handshakes have a rate and sockets a cap, which a release gives back")
    func sockets() {
        let addresses = AddressLimits(limits)
        for _ in 0..<2 {
            #expect(refused { () throws(GatewayError) in try addresses.admitSocket(from: one, now: start) } == nil)
        }
        #expect(refused { () throws(GatewayError) in try addresses.admitSocket(from: one, now: start) }?.code == 42903)
        #expect(refused { () throws(GatewayError) in try addresses.admitSocket(from: one, now: start) }?.code == 42902)
        addresses.release(one)
        #expect(
            refused { () throws(GatewayError) in try addresses.admitSocket(from: one, now: start + .seconds(1)) } == nil
        )
        #expect(
            refused { () throws(GatewayError) in try addresses.admitSocket(from: one, now: start + .seconds(2)) }?.code
                == 42903)
    }

    @Test("a release too many gives nothing away")
    func release() {
        let addresses = AddressLimits(limits)
        for _ in 0..<5 { addresses.release(one) }
        for _ in 0..<2 {
            #expect(refused { () throws(GatewayError) in try addresses.admitSocket(from: one, now: start) } == nil)
        }
        #expect(refused { () throws(GatewayError) in try addresses.admitSocket(from: one, now: start) }?.code == 42903)
    }

    @Test("without limits nothing is refused")
    func lifted() {
        let addresses = AddressLimits(nil)
        for _ in 0..<1000 {
            #expect(
                refused { () throws(GatewayError) in
                    try addresses.admitAlerts(100, from: one, now: start)
                    try addresses.admitSocket(from: one, now: start)
                } == nil)
        }
        addresses.release(one)
    }

    @Test("when the table is full, idle addresses are forgotten and new ones share one entry")
    func capacity() {
        let addresses = AddressLimits(limits, capacity: 2)
        func admit(_ text: String, at time: NIODeadline) -> Int? {
            refused { () throws(GatewayError) in try addresses.admitAlerts(from: ClientAddress(text: text), now: time)
            }?.code
        }
        #expect(admit("a", at: start) == nil)
        #expect(admit("b", at: start) == nil)
        // a and b are busy: c and d share.
        #expect(admit("c", at: start) == nil)
        #expect(admit("d", at: start) == nil)
        #expect(admit("e", at: start) == 42901)
        #expect(admit("a", at: start) == nil)
        // Everyone is idle after a while: e has an entry of its own.
        let later = start + .seconds(60)
        #expect(admit("e", at: later) == nil)
        #expect(admit("e", at: later) == nil)
        #expect(admit("f", at: later) == nil)
    }
}
