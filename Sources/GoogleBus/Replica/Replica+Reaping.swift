import Logging
import MessageBus

// Clearing up behind VMs that are gone.
extension Replica {
    /// Takes names and subscriptions from VMs whose lease was not renewed. The first by name of those that are there does it for all.
    ///
    /// - Returns: the names.
    func reap(lease: Duration) async -> [SubscriptionName] {
        // Who hears itself has heard what others said before.
        guard case .live = condition, let lastEcho, .now - lastEcho < timing.renewing else { return [] }
        let horizon = pubSubTime.advanced(
            byMilliseconds: -lease.milliseconds)
        guard registry.first(heardSince: horizon) == vm.subscription || registry.boot(of: vm.subscription) == nil
        else { return [] }
        let silent = registry.silent(since: horizon).map(\.vm)
        for vm in silent {
            await remove(vm.subscription.name, unless: { _ in false })
            _ = await hear(.leave(vm), within: timing.echo)
        }
        await sweep()
        return silent.map(\.subscription)
    }

    /// Removes subscriptions of VMs that nobody has heard of for as long as a sweep's interval.
    private func sweep() async {
        guard .now - lastSweep >= timing.sweeping else { return }
        lastSweep = .now
        guard let names = try? await service.subscriptions() else { return }
        let held = Set(registry.all.map(\.vm.subscription.name))
        let orphans = Set(names.filter { SubscriptionLabels.isName($0) && $0 != name && !held.contains($0) })
        for orphan in orphans.intersection(suspects) {
            await remove(orphan, unless: { !SubscriptionLabels.areCriers($0.labels) })
        }
        suspects = orphans
    }

    private func remove(_ subscription: String, unless isForeign: (SubscriptionState) -> Bool) async {
        do throws(PubSubError) {
            guard let state = try await service.subscription(subscription), !isForeign(state) else { return }
            if try await service.deleteSubscription(subscription) {
                logger.info(
                    "removed the subscription of a VM that is gone", metadata: ["subscription": "\(subscription)"])
            }
        } catch {
            logger.warning(
                "the subscription of a VM that is gone stays",
                metadata: ["subscription": "\(subscription)", "error": "\(error)"])
        }
    }
}
