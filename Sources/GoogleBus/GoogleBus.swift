public import Logging
public import MessageBus

/// The bus on Google Cloud Pub/Sub: one topic for all, one subscription for each VM, named `ID_<FLY_ALLOC_ID>`.
///
/// **Guarantees.** Those of `MessageBus`, with two limits. What a VM can resume readers from is what it holds and, where it begins, what the topic
/// retains: ten minutes; a cursor before that gets a reset. And one order for all needs all VMs to publish through one region of Google's: with
/// `GoogleBusConfiguration.region` they do; without it through the nearest one, and where those differ for VMs, they find out that they
/// count differently, say so, and begin an epoch.
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
