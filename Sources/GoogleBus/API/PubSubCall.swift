/// What is asked of Pub/Sub, as errors name it.
enum PubSubCall: String, Sendable {
    case getTopic = "looking at the topic"
    case createTopic = "making the topic"
    case updateTopic = "changing the topic"
    case createSubscription = "making a subscription"
    case getSubscription = "looking at a subscription"
    case deleteSubscription = "removing a subscription"
    case listSubscriptions = "listing the topic's subscriptions"
    case seek = "moving a subscription"
    case publish = "publishing"
    case pull = "pulling"
    case acknowledge = "acknowledging"
}
