/// Tasks that prefer the loop run on it, one step between two awaits after the other, each in a turn's place for tasks.
///
/// After the loop's end their steps run where they are made ready, so that no task is left in the middle.
extension ReactorLoop: TaskExecutor {
    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let step: @Sendable () -> Void = { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
        if !leave(step) { step() }
    }
}
