import Broadcasting
import Logging
import MessageBus

/// Tells the other VMs of the deployment, through the bus.
struct Deployment: Sendable {
    let queue: PublishQueue
    let region: String
    let clock: WallClock
    let logger: Logger

    /// Tells all VMs, this one too. Where the bus is away nobody is told: what is told is also found out without.
    func tell(_ notice: DeploymentNotice) async {
        do throws(BusError) {
            _ = try await queue.publish(notice.draft(region: region, clock: clock))
        } catch {
            logger.warning("the other VMs were not told", metadata: ["notice": "\(notice.text)", "error": "\(error)"])
        }
    }
}
