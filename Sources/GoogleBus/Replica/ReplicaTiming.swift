/// How long things take on a topic that VMs share.
struct ReplicaTiming: Sendable {
    /// How far back the topic is read when a VM begins, and how long the topic and the subscriptions retain. Ten minutes is the least that Pub/Sub takes.
    var retention = Duration.seconds(600)
    /// How long one request waits for messages.
    var pull = Duration.seconds(90)
    /// How long a word may take to come back.
    var echo = Duration.seconds(3)
    /// How long a method of the store takes at most.
    var patience = Duration.milliseconds(3_800)
    /// How long a VM that begins waits for another one to say where the log stands, before it begins an epoch; jitter of half of it comes on top.
    var guidance = Duration.seconds(2)
    /// After which silence somebody counts as gone who does not say that he leaves.
    var silence = Duration.seconds(12)
    /// How long an alert waits for its place before this VM takes its leader for gone, where nothing is heard of that one.
    var placing = Duration.seconds(2)
    /// How much later than the VM before it, by boot id, each next one takes over from a leader that is gone.
    var succession = Duration.seconds(2)
    /// How long a VM that takes over waits for the last word of the leader before it, who may still be there.
    var ceding = Duration.milliseconds(700)
    /// How long something that others have heard may be missing before this VM reads the topic once more.
    var missing = Duration.seconds(3)
    /// How long what is missing when a VM begins may still be on its way.
    var settling = Duration.seconds(1)
    /// After which pause a process that goes on looks whether it has been replaced.
    var standstill = Duration.seconds(8)
    /// How long a VM that leaves waits until that is heard.
    var farewell = Duration.seconds(1)
    /// How often a lease that says nothing new is renewed, and how long the echo of a word vouches for the bus.
    var renewing = Duration.milliseconds(3_500)
    /// How often, at least, a VM says something.
    var speaking = Duration.seconds(5)
    /// How long it takes at most until somebody answers a VM that begins.
    var answer = Duration.milliseconds(600)
    /// How often it is tried whether the topic carries anything, while it does not.
    var retrying = Duration.seconds(1)
    /// How often subscriptions are looked for whose VMs are gone.
    var sweeping = Duration.seconds(60)
}
