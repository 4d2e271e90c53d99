import CrierTesting
import Foundation
import MessageBus
import Testing

@testable import GoogleBus

@Suite struct PubSubFailureTests {
    private let message = OutgoingMessage(data: [1], attributes: [:], orderingKey: "log")

    private func publishFailure(_ answer: LoopbackServer.Answer) async throws -> PubSubError {
        var found: PubSubError?
        try await APIFixture.with(.by { _ in answer }) { (api, _) async throws in
            found = await failure { try await api.publish([message]) }
        }
        return try #require(found)
    }

    @Test(
        "Google's statuses become codes, of which some pass",
        arguments: [
            (400, "INVALID_ARGUMENT", PubSubError.Code.invalidArgument, false, false),
            (400, "FAILED_PRECONDITION", .failedPrecondition, false, false),
            (401, "UNAUTHENTICATED", .unauthenticated, false, false),
            (403, "PERMISSION_DENIED", .permissionDenied, false, false),
            (404, "NOT_FOUND", .notFound, false, false),
            (409, "ALREADY_EXISTS", .alreadyExists, false, false),
            (409, "ABORTED", .aborted, true, true),
            (429, "RESOURCE_EXHAUSTED", .resourceExhausted, true, false),
            (403, "RESOURCE_EXHAUSTED", .resourceExhausted, true, false),
            (499, "CANCELLED", .aborted, true, true),
            (500, "INTERNAL", .internal, true, true), (500, "UNKNOWN", .internal, true, true),
            (501, "UNIMPLEMENTED", .unimplemented, false, false),
            (503, "UNAVAILABLE", .unavailable, true, true),
            (504, "DEADLINE_EXCEEDED", .deadlineExceeded, true, true),
            (503, "SOMETHING_NEW", .unavailable, true, true), (418, "SOMETHING_NEW", .backend, false, true),
        ])
    func statuses(
        http: Int, status: String, code: PubSubError.Code, isTransient: Bool, isOutcomeUnknown: Bool
    ) async throws {
        let error = try await publishFailure(.reply(http, errorBody(http, status, "what it says")))
        #expect(error.code == code)
        #expect(error.httpStatus == http)
        #expect(error.isTransient == isTransient)
        #expect(error.isOutcomeUnknown == isOutcomeUnknown)
        #expect(error.message == "publishing: what it says")
        let busError = BusError(error)
        #expect(busError.code == (isTransient || code == .notFound ? .unavailable : .backend))
        #expect((busError.retryAfter != nil) == (busError.code == .unavailable))
        #expect(busError.message.contains("what it says"))
    }

    @Test(
        "an error in no form of Google's goes by its status, and a 404 is no missing topic",
        arguments: [
            (404, PubSubError.Code.backend), (400, .backend), (302, .backend), (403, .permissionDenied),
            (429, .resourceExhausted),
            (502, .unavailable), (413, .backend),
        ])
    func foreign(status: Int, code: PubSubError.Code) async throws {
        for body in ["<html>no</html>", "", "[]", #"{"error":"x"}"#, "{}"] {
            #expect(try await publishFailure(.reply(status, body)).code == code)
        }
        try await APIFixture.with(.by { _ in .reply(404, "Not Found") }) { (api, _) async throws in
            #expect(await failure { try await api.topic() }?.code == .backend)
        }
    }

    @Test("a project that is not there is no missing topic")
    func project() async throws {
        let text = "Requested project not found or user does not have access to it (project=crier-test)."
        try await APIFixture.with(.by { _ in .reply(404, errorBody(404, "NOT_FOUND", text)) }) {
            (api, _) async throws in
            let error = await failure { try await api.topic() }
            #expect(error?.code == .projectNotFound)
            #expect(error?.advice?.contains("GOOGLE_CLOUD_PROJECT") == true)
        }
    }

    @Test(
        "errors say what to do",
        arguments: [
            (
                403, "PERMISSION_DENIED", "SERVICE_DISABLED",
                "gcloud services enable pubsub.googleapis.com --project=crier-test"
            ),
            (403, "PERMISSION_DENIED", "BILLING_DISABLED", "billing"),
            (403, "PERMISSION_DENIED", "ACCESS_TOKEN_SCOPE_INSUFFICIENT", "scope"),
            (403, "PERMISSION_DENIED", "CONSUMER_INVALID", "GOOGLE_CLOUD_PROJECT"),
            (403, "PERMISSION_DENIED", "IAM_PERMISSION_DENIED", "pubsub.topics.publish is missing: grant the role"),
            (403, "PERMISSION_DENIED", "IAM_PERMISSION_DENIED", "--role=roles/pubsub.editor"),
            (429, "RESOURCE_EXHAUSTED", "RATE_LIMIT_EXCEEDED", "quota of requests"),
        ])
    func advice(http: Int, status: String, reason: String, advice: String) async throws {
        let body = errorBody(
            http, status, "no", reason: reason, metadata: #"{"permission":"pubsub.topics.publish","resource":"r"}"#)
        let error = try await publishFailure(.reply(http, body))
        #expect(error.advice?.contains(advice) == true, "\(error)")
        #expect(BusError(error).message.contains(advice))
    }

    @Test("where no more subscriptions can be made, the limit is named")
    func subscriptionLimit() async throws {
        for http in [403, 429] {
            try await APIFixture.with(.by { _ in .reply(http, errorBody(http, "RESOURCE_EXHAUSTED", "too many")) }) {
                api, _ in
                let error = await failure {
                    try await api.createSubscription("ID_a", labels: [:])
                }
                #expect(error?.code == .resourceExhausted)
                #expect(error?.advice?.contains("10,000 subscriptions") == true)
                #expect(error?.advice?.contains("gcloud pubsub subscriptions delete") == true)
            }
        }
    }

    @Test("when to try again is read, and held within an hour")
    func retryAfter() async throws {
        for (delay, seconds) in [("1.5s", 2), ("7s", 8), ("99999999s", 3601), ("-3s", 1), ("x", nil)]
            as [(String, Int?)]
        {
            let error = try await publishFailure(
                .reply(
                    503,
                    #"{"error":{"code":503,"status":"UNAVAILABLE","message":"m","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"\#(delay)"},7]}}"#
                ))
            #expect(error.retryAfter == seconds)
            #expect(BusError(error).retryAfter == seconds ?? 1)
        }
    }

    @Test("a server that does not answer to the end is given up in time")
    func time() async throws {
        var timing = APIFixture.patient
        timing.call = .milliseconds(300)
        timing.pullGrace = .milliseconds(300)
        for answer in [LoopbackServer.Answer.silent, .stalled] {
            try await APIFixture.with(.by { _ in answer }, timing: timing) { (api, _) async throws in
                let error = await failure { try await api.publish([message]) }
                #expect(error?.code == .deadlineExceeded)
                #expect(error?.isOutcomeUnknown == true)
                #expect(try await api.pull("ID_a", atMost: 1, within: .milliseconds(1)) == [])
            }
        }
    }

    @Test("a connection that ends before the answer does leaves the outcome unknown")
    func cut() async throws {
        for answer in [LoopbackServer.Answer.hungUp, .cut] {
            let error = try await publishFailure(answer)
            #expect(error.code == .unavailable)
            #expect(error.isOutcomeUnknown)
        }
    }

    @Test("without a server nothing was done")
    func refused() async throws {
        try await LoopbackServer.with { server in
            try await APIFixture.with(on: server) { (api) async throws in
                await server.stop()
                let error = await failure { try await api.publish([message]) }
                #expect(error?.code == .unavailable)
                #expect(error?.isOutcomeUnknown == false)
                #expect(
                    error?.message.contains("127.0.0.1:\(server.port) cannot be reached") == true, "\(error as Any)")
            }
        }
    }

    @Test("cancelling the task ends a call, and shutting down ends all")
    func cancelled() async throws {
        try await APIFixture.with(.by { _ in .silent }) { (api, server) async throws in
            let pulling = Task {
                await failure {
                    try await api.pull("ID_a", atMost: 1, within: .seconds(60))
                }
            }
            let publishing = Task { await failure { try await api.publish([message]) } }
            try await eventually("two requests") { server.requests.count == 2 }
            pulling.cancel()
            #expect(await pulling.value?.code == .cancelled)
            await api.shutdown()
            #expect([.cancelled, .closed, .unavailable].contains(await publishing.value?.code))
            let error = await failure { try await api.publish([message]) }
            #expect(error?.code == .closed)
        }
    }

    #if os(Linux)
        @Test("the kernel watches the connection of a pull that waits")
        func watched() async throws {
            try await APIFixture.with(.by { _ in .silent }) { (api, server) async throws in
                let pulling = Task { await failure { try await api.pull("ID_a", atMost: 1, within: .seconds(60)) } }
                try await eventually("a pull") { server.requests.count == 1 }
                let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: "/proc/self/net/tcp"))
                let table = String(decoding: try file.readToEnd() ?? Data(), as: UTF8.self)
                let remote = ":" + String(format: "%04X", server.port)
                // Addresses, state 01 (established), queues, and timer 02 (keep-alive) with hundredths of a second until it fires, as
                // proc_net_tcp(5) has them.
                var timers: [Int] = []
                for line in table.split(separator: "\n") {
                    let fields = line.split(separator: " ")
                    guard fields.count > 5, fields[2].hasSuffix(remote), fields[3] == "01", fields[5].hasPrefix("02:")
                    else { continue }
                    timers.append(Int(fields[5].dropFirst(3), radix: 16) ?? .max)
                }
                #expect(timers.count == 1)
                #expect(timers.allSatisfy { $0 <= 400 })
                pulling.cancel()
                #expect(await pulling.value?.code == .cancelled)
            }
        }
    #endif

    @Test("answers larger than their bound are not read")
    func size() async throws {
        let body = #"{"messageIds":["\#(String(repeating: "1", count: 1_048_576))"]}"#
        let error = try await publishFailure(.reply(body))
        #expect(error.code == .backend)
        #expect(error.isOutcomeUnknown)
    }

    @Test("a large pull is read")
    func largePull() async throws {
        let data = Base64.encode([UInt8](repeating: 7, count: 20_000))
        let one = #"{"ackId":"a","message":{"data":"\#(data)","messageId":"7","publishTime":"2027-01-15T08:00:00Z"}}"#
        let body = #"{"receivedMessages":[\#(Array(repeating: one, count: 1000).joined(separator: ","))]}"#
        #expect(body.utf8.count > 26_000_000)
        try await APIFixture.with(.by { _ in .reply(body) }) { (api, _) async throws in
            let messages = try await api.pull("ID_a", atMost: 1000, within: .seconds(1))
            #expect(messages.count == 1000)
            #expect(messages.last?.data == [UInt8](repeating: 7, count: 20_000))
        }
    }
}
