import MessageBus
import Testing

@testable import Gateway

@Suite struct AffinityPolicyTests {
    private static let own = "1a2b3c4d5e6f7a"
    private static let other = "9f8e7d6c5b4a39"
    private static let gone = "00000000000000"
    private static let elsewhere = "local00000vm"

    private static let reset = CookieChange(kind: .reset, isSecure: false)

    private static func fleet() throws -> Fleet {
        Fleet(
            own: Fleet.VM(id: own, region: "syd"),
            records: try [
                FleetTests.record(own, "syd"), FleetTests.record(other, "ams"), FleetTests.record(elsewhere, "local"),
            ])
    }

    private func decide(
        _ place: AffinityTarget.Place, in source: AffinityTarget.Source,
        _ circumstances: AffinityPolicy.Circumstances = .init(),
        _ change: (inout AffinityConfiguration) -> Void = { _ in }
    ) throws -> AffinityDecision {
        var configuration = AffinityConfiguration()
        change(&configuration)
        let policy = AffinityPolicy(vm: Self.own, region: "syd", configuration: configuration)
        let fleet = try Self.fleet()
        return policy.decide(AffinityTarget(place, in: source), circumstances, fleet: fleet)
    }

    @Test("what names this VM or its region is served, and only the query's id sets the cookie")
    func here() throws {
        let set = CookieChange(kind: .set(vm: Self.own), isSecure: false)
        #expect(try decide(.vm(Self.own), in: .query) == .serve(set))
        #expect(try decide(.vm(Self.own), in: .path) == .serve(nil))
        #expect(try decide(.vm(Self.own), in: .cookie) == .serve(nil))
        #expect(try decide(.region("syd"), in: .query) == .serve(nil))
        #expect(try decide(.region("syd"), in: .path) == .serve(nil))
    }

    @Test("what was replayed to where it belongs is served as ever")
    func arrived() throws {
        let replayed = AffinityPolicy.Circumstances(isReplayed: true, hasCookie: true, isSecure: true)
        let set = CookieChange(kind: .set(vm: Self.own), isSecure: true)
        #expect(try decide(.vm(Self.own), in: .query, replayed) == .serve(set))
        #expect(try decide(.vm(Self.own), in: .cookie, replayed) == .serve(nil))
        #expect(try decide(.region("syd"), in: .path, replayed) == .serve(nil))
    }

    @Test("what names another VM is replayed in the way that is configured", arguments: [307, 101, 200, 599])
    func another(status: Int) throws {
        for source in [AffinityTarget.Source.query, .path, .cookie] {
            for (replay, field) in [
                (AffinityConfiguration.Replay.preferInstance, "prefer_instance=\(Self.other)"),
                (.instance, "instance=\(Self.other);fallback=prefer_self"),
                (.region, "region=ams;fallback=prefer_self"),
            ] {
                let decision = try decide(.vm(Self.other), in: source) {
                    $0.replay = replay
                    $0.status = status
                }
                #expect(decision == .replay(field: field, status: status))
            }
        }
    }

    @Test(
        "a region is replayed as a region, whatever is configured for VMs",
        arguments: AffinityConfiguration.Replay.allCases
    )
    func region(replay: AffinityConfiguration.Replay) throws {
        #expect(
            try decide(.region("ams"), in: .path, .init(hasCookie: true)) { $0.replay = replay }
                == .replay(field: "region=ams;fallback=prefer_self", status: 307))
    }

    @Test("a VM in a region that is none of Fly's cannot be named by its region")
    func regionOfNoFly() throws {
        #expect(try decide(.vm(Self.elsewhere), in: .query) { $0.replay = .region } == .fallBack(nil))
        #expect(
            try decide(.vm(Self.elsewhere), in: .query)
                == .replay(field: "prefer_instance=\(Self.elsewhere)", status: 307))
    }

    @Test("what is not there is served here, and the cookie that named it reset")
    func gone() throws {
        let hasCookie = AffinityPolicy.Circumstances(hasCookie: true)
        #expect(try decide(.vm(Self.gone), in: .query, hasCookie) == .fallBack(nil))
        #expect(try decide(.vm(Self.gone), in: .path, hasCookie) == .fallBack(nil))
        #expect(try decide(.region("fra"), in: .query, hasCookie) == .fallBack(nil))
        #expect(try decide(.region("fra"), in: .path) == .fallBack(nil))
        #expect(try decide(.vm(Self.gone), in: .cookie, hasCookie) == .fallBack(Self.reset))
        #expect(
            try decide(.vm(Self.gone), in: .cookie, .init(hasCookie: true, isSecure: true))
                == .fallBack(CookieChange(kind: .reset, isSecure: true)))
    }

    @Test("strictly, what is not there is unknown, and no browser is kept at it")
    func strict() throws {
        let strict = { (configuration: inout AffinityConfiguration) in configuration.isStrict = true }
        #expect(try decide(.vm(Self.gone), in: .query, .init(), strict) == .unknownTarget(nil))
        #expect(try decide(.region("fra"), in: .path, .init(), strict) == .unknownTarget(nil))
        #expect(
            try decide(.vm(Self.gone), in: .cookie, .init(hasCookie: true), strict) == .unknownTarget(Self.reset))
        #expect(
            try decide(.vm(Self.other), in: .query, .init(), strict)
                == .replay(field: "prefer_instance=\(Self.other)", status: 307))
        #expect(try decide(.vm(Self.own), in: .path, .init(), strict) == .serve(nil))
    }

    @Test(
        "what was replayed before and still belongs elsewhere is served here, strictly or not",
        arguments: [true, false])
    func loop(isStrict: Bool) throws {
        for place in [AffinityTarget.Place.vm(Self.other), .vm(Self.gone), .region("ams"), .region("fra")] {
            for hasCookie in [true, false] {
                let decision = try decide(place, in: .query, .init(isReplayed: true, hasCookie: hasCookie)) {
                    $0.isStrict = isStrict
                }
                #expect(decision == .fallBack(hasCookie ? Self.reset : nil))
            }
        }
    }

    @Test("the fleet is asked only about other places")
    func asked() throws {
        let policy = AffinityPolicy(vm: Self.own, region: "syd", configuration: AffinityConfiguration())
        var count = 0
        func fleet() -> Fleet {
            count += 1
            return Fleet(own: Fleet.VM(id: Self.own, region: "syd"), records: [])
        }
        _ = policy.decide(AffinityTarget(.vm(Self.own), in: .cookie), .init(), fleet: fleet())
        _ = policy.decide(AffinityTarget(.vm(Self.other), in: .cookie), .init(isReplayed: true), fleet: fleet())
        #expect(count == 0)
        _ = policy.decide(AffinityTarget(.vm(Self.other), in: .cookie), .init(), fleet: fleet())
        #expect(count == 1)
    }

    @Test("the cookie has its attributes, and Secure where the browser came by HTTPS")
    func cookie() {
        #expect(
            CookieChange(kind: .set(vm: Self.own), isSecure: false).headerValue
                == "crier_vm=\(Self.own); Path=/; Max-Age=86400; SameSite=Lax; HttpOnly")
        #expect(
            CookieChange(kind: .reset, isSecure: true).headerValue
                == "crier_vm=; Path=/; Max-Age=0; SameSite=Lax; HttpOnly; Secure")
    }
}
