import MessageBus
import Testing

@testable import RedisBus

struct RedisFailureTests {
    @Test(
        "What will pass is told as absence, with a time to wait",
        arguments: [
            "LOADING Redis is loading the dataset in memory", "READONLY You can't write against a read only replica.",
            "BUSY Redis is busy running a script.", "MASTERDOWN Link with MASTER is down", "NOREPLICAS Not enough",
            "MISCONF Redis is configured to save", "OOM command not allowed when used memory > 'maxmemory'.",
            "ERR Error running script (call to f_abc): @user_script:1: -OOM command not allowed",
        ])
    func passes(_ refusal: String) {
        let error = RedisFailure(refusal: refusal).busError
        #expect(error.code == .unavailable)
        #expect(error.retryAfter != nil)
        #expect(refusal.contains("OOM") == error.message.contains("maxmemory:"))
    }

    @Test(
        "What will not pass is told as it is",
        arguments: ["NOAUTH Authentication required.", "WRONGPASS invalid", "NOPERM this user", "WRONGTYPE Operation"])
    func stays(_ refusal: String) {
        let error = RedisFailure(refusal: refusal).busError
        #expect(error.code == .backend)
        #expect(error.retryAfter == nil)
        #expect(error.message.contains(refusal))
    }
}
