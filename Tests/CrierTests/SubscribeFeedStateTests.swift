import Testing

@testable import Crier

struct SubscribeFeedStateTests {
    private func id(_ text: String) throws -> AlertID { try #require(AlertID(text)) }

    private func message(_ id: String, healedFrom: String? = nil) throws -> FeedEvent {
        let healed = healedFrom.map { #""healed_from":"\#($0)","# } ?? ""
        return try FeedEvent(
            line: Array(#"{"id":"\#(id)",\#(healed)"event":"message","topic":"t","message":"m","time":1}"#.utf8))
    }

    @Test func beginsWhereTheUserSaidUntilAnEventCarriesAnID() throws {
        var state = FeedState(since: "10m", count: nil)
        #expect(state.since == "10m")
        _ = state.receive(.open(id: nil, vm: nil, region: nil))
        _ = state.receive(.stale)
        _ = state.receive(.keepalive(id: nil))
        #expect(state.since == "10m")
        _ = state.receive(.open(id: try id("00000A000001"), vm: nil, region: nil))
        #expect(state.since == "00000A000001")
        #expect(FeedState(since: nil, count: nil).since == nil)
    }

    @Test func alertsAreDeliveredOnceAndMoveTheCursor() throws {
        var state = FeedState(since: nil, count: nil)
        #expect(state.receive(try message("00000A000001")) == .deliver)
        #expect(state.receive(try message("00000A00000a")) == .deliver)
        #expect(state.receive(try message("00000A00000a")) == .nothing)
        #expect(state.receive(try message("00000A00000Z")) == .nothing)
        #expect(state.receive(try message("00000A00000b")) == .deliver)
        #expect(state.since == "00000A00000b")
    }

    @Test func quietTopicsMoveTheCursorByKeepalivesAndNeverBack() throws {
        var state = FeedState(since: "all", count: nil)
        _ = state.receive(.keepalive(id: try id("00000A000005")))
        #expect(state.since == "00000A000005")
        _ = state.receive(.keepalive(id: try id("00000A000004")))
        _ = state.receive(.open(id: try id("00000A000003"), vm: nil, region: nil))
        #expect(state.since == "00000A000005")
        #expect(state.receive(try message("00000A000005")) == .nothing)
        #expect(state.receive(try message("00000A000006")) == .deliver)
    }

    @Test func aResetMovesTheCursorBackToo() throws {
        var state = FeedState(since: nil, count: nil)
        _ = state.receive(try message("00000Z000009"))
        let action = state.receive(.reset(id: try id("00000B000000"), reason: "epoch\u{1b}"))
        #expect(action == .note("reset (epoch\\u{1b}): alerts before this point may be missing"))
        #expect(state.since == "00000B000000")
        #expect(state.receive(try message("00000B000001")) == .deliver)
    }

    @Test func anAlertThatTheBusLostAndGotBackIsDeliveredOnce() throws {
        var state = FeedState(since: nil, count: nil)
        #expect(state.receive(try message("00000A000001")) == .deliver)
        #expect(state.receive(try message("00000B000001", healedFrom: "00000A000001")) == .nothing)
        #expect(state.receive(try message("00000B000002", healedFrom: "00000A000002")) == .deliver)
        #expect(state.since == "00000B000002")
    }

    @Test func asManyIDsAreRememberedAsReadersAreAskedTo() throws {
        var recent = RecentIDs()
        let ids = try (0...RecentIDs.capacity).map { try id("00000A" + String(100_000 + $0)) }
        let isNew = ids.map { recent.insert($0) }
        #expect(isNew.allSatisfy { $0 })
        let (second, first) = (recent.insert(ids[1]), recent.insert(ids[0]))
        #expect(!second, "the second is remembered")
        #expect(first, "the first made room for the last")
    }

    @Test func aCountEndsWithItsLastAlertAndRepeatsDoNotCount() throws {
        var state = FeedState(since: nil, count: 2)
        #expect(state.receive(try message("00000A000001")) == .deliver)
        #expect(state.receive(try message("00000A000001")) == .nothing)
        #expect(state.receive(try message("00000A000002")) == .deliverLast)
    }

    @Test func aLeavingServerIsLeftForTheTimeItAsks() {
        var state = FeedState(since: nil, count: nil)
        #expect(state.receive(.drain(retryMilliseconds: 1_500)) == .leave(after: .milliseconds(1_500)))
        #expect(state.receive(.drain(retryMilliseconds: -1)) == .leave(after: .zero))
        #expect(state.receive(.drain(retryMilliseconds: .max)) == .leave(after: .seconds(30)))
    }

    @Test func waitsGrowUntilAConnectionOpens() {
        var state = FeedState(since: nil, count: nil)
        var random = ConstantGenerator.highest
        func wait() -> Duration { state.waitAfterLoss(retryAfter: nil, using: &random) }
        for ceiling in [1.0, 2, 4, 8, 16, 30, 30] {
            let wait = wait()
            #expect(wait > .seconds(ceiling * 0.99) && wait <= .seconds(ceiling))
        }
        #expect(
            state.receive(.open(id: nil, vm: "ID_1", region: "syd\n")) == .note("connected to syd\\n (ID_1)"))
        #expect(wait() <= .seconds(1))
        var lowest = ConstantGenerator.lowest
        #expect(state.waitAfterLoss(retryAfter: nil, using: &lowest) == .zero)
        #expect(state.waitAfterLoss(retryAfter: 9, using: &lowest) == .seconds(9))
    }

    @Test func theStateOfTheBusIsTold() {
        var state = FeedState(since: nil, count: nil)
        #expect(state.receive(.stale) == .note("the server lost its bus: alerts come late"))
        #expect(state.receive(.live) == .note("the server has its bus again"))
        #expect(state.receive(.other) == .nothing)
        #expect(state.receive(.open(id: nil, vm: nil, region: nil)) == .note("connected"))
    }
}
