import CrierTesting
import Testing

@Suite struct WaitingTests {
    private struct Broken: Error, Equatable { let attempt: Int }

    @Test("a bound holds also where what is waited for does not heed that it is cancelled")
    func bound() async throws {
        let (stream, end) = AsyncStream.makeStream(of: Void.self)
        let deaf = Task.detached { for await _ in stream {} }
        let overdue = await #expect(throws: Overdue.self) {
            try await within(.milliseconds(50), "its end") { await deaf.value }
        }
        #expect(overdue?.description.contains("its end did not come within 0.05 seconds") == true)
        end.finish()
        try await within { await deaf.value }
    }

    @Test("what comes in time, or fails, is handed on")
    func result() async throws {
        let result = try await within { 7 }
        #expect(result == 7)
        await #expect(throws: Broken(attempt: 1)) { try await within { throw Broken(attempt: 1) } }
    }

    @Test("a condition is looked at once at least, and no longer than the bound")
    func condition() async throws {
        var looks = 0
        try await eventually("the third look") {
            looks += 1
            return looks == 3
        }
        await #expect(throws: Overdue.self) {
            try await eventually("what never comes", within: .zero) {
                looks += 1
                return false
            }
        }
        #expect(looks == 4)
    }

    @Test("what fails is done again until it succeeds, or throws its last error when the bound is over")
    func insistence() async throws {
        var attempts = 0
        let third = try await insist {
            attempts += 1
            if attempts < 3 { throw Broken(attempt: attempts) }
            return attempts
        }
        #expect(third == 3)
        await #expect(throws: Broken(attempt: 4)) {
            try await insist(within: .zero) {
                attempts += 1
                throw Broken(attempt: attempts)
            }
        }
    }

    @Test("it is cleaned up whatever comes of the body, whose error goes first")
    func cleaningUp() async throws {
        var ends = 0
        #expect(
            try await perform {
                7
            } finally: {
                ends += 1
            } == 7)
        await #expect(throws: Broken(attempt: 1)) {
            try await perform {
                throw Broken(attempt: 1)
            } finally: {
                ends += 1
                throw Broken(attempt: 2)
            }
        }
        await #expect(throws: Broken(attempt: 2)) {
            try await perform {
            } finally: {
                throw Broken(attempt: 2)
            }
        }
        #expect(ends == 2)
    }
}
