public import Logging
public import MessageBus

/// The bus on Google Cloud Pub/Sub: one topic for all, one subscription for each VM, named `ID_<FLY_ALLOC_ID>`.
///
/// **Guarantees.** Those of `MessageBus`. What a VM can resume readers from is what it holds and, where it begins, what the topic retains: ten minutes;
/// a cursor before that gets a reset. Positions are given by one VM at a time, the leader of the log's epoch, so an alert takes two ways through
/// Pub/Sub. Where the leader ends without a word, alerts wait for their places until another VM has noticed.
///
/// Needs a service account with the role `roles/pubsub.editor` on the project, or on topic and subscriptions that are there already.
public enum GoogleBus {
    /// A bus for one VM. Nothing is connected before it is used.
    ///
    /// - Parameters:
    ///   - vm: whose subscription it reads, which its first use makes and `Subscription.delete` removes.
    ///   - retention: how much of the log the VM holds besides its ring.
    public static func make(
        _ configuration: GoogleBusConfiguration, vm: VMIdentity, retention: Retention, logger: Logger
    ) throws(GoogleBusSetupError) -> SharedLogBus<GoogleLogStore> {
        let service = try PubSubAPI(configuration, logger: logger)
        let replica = Replica(service, vm: vm, retention: retention, logger: logger)
        return SharedLogBus(store: GoogleLogStore(replica), logger: logger)
    }
}
