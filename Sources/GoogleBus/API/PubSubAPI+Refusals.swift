extension PubSubAPI {
    /// What an answer other than 200 means.
    func refusal(_ answer: HTTPExchange.Answer, of call: PubSubCall, project: String) -> PubSubError {
        let host = HTTPExchange.host(of: endpoints.api)
        guard let said = ErrorAnswer(answer.body) else {
            // A proxy's, or that of something which is no Pub/Sub; a 404 of which says nothing about a topic.
            return PubSubError(
                Self.code(ofStatus: answer.status), "\(call.rawValue): \(host) answered \(answer.status)",
                httpStatus: answer.status, isOutcomeUnknown: answer.status >= 500)
        }
        var code = said.status.flatMap(Self.code) ?? Self.code(ofStatus: answer.status)
        if code == .notFound, said.message?.lowercased().contains("project not found") == true {
            code = .projectNotFound
        }
        let text = said.message ?? said.status ?? "status \(answer.status)"
        return PubSubError(
            code, "\(call.rawValue): \(text)", httpStatus: answer.status,
            advice: advice(said, code, for: call, project: project),
            isOutcomeUnknown: [.unavailable, .deadlineExceeded, .internal, .aborted, .backend].contains(code),
            retryAfter: said.retryAfter)
    }

    /// By the names of google.rpc.Code.
    private static func code(_ status: String) -> PubSubError.Code? {
        switch status {
        case "NOT_FOUND": .notFound
        case "ALREADY_EXISTS": .alreadyExists
        case "PERMISSION_DENIED": .permissionDenied
        case "UNAUTHENTICATED": .unauthenticated
        case "RESOURCE_EXHAUSTED": .resourceExhausted
        case "INVALID_ARGUMENT", "OUT_OF_RANGE": .invalidArgument
        case "FAILED_PRECONDITION": .failedPrecondition
        case "UNIMPLEMENTED": .unimplemented
        case "ABORTED", "CANCELLED": .aborted
        case "INTERNAL", "UNKNOWN", "DATA_LOSS": .internal
        case "UNAVAILABLE": .unavailable
        case "DEADLINE_EXCEEDED": .deadlineExceeded
        default: nil
        }
    }

    private static func code(ofStatus status: Int) -> PubSubError.Code {
        switch status {
        case 401: .unauthenticated
        case 403: .permissionDenied
        case 408, 504: .deadlineExceeded
        case 429: .resourceExhausted
        case 501: .unimplemented
        case 500...599: .unavailable
        default: .backend
        }
    }

    /// What whoever runs this can do about it.
    private func advice(
        _ said: ErrorAnswer, _ code: PubSubError.Code, for call: PubSubCall, project: String
    ) -> String? {
        switch (said.reason, code) {
        case ("SERVICE_DISABLED", _):
            "enable the API by gcloud services enable pubsub.googleapis.com --project=\(project), and wait a minute"
        case ("BILLING_DISABLED", _):
            "enable billing for the project \(project) in the Google Cloud console"
        case ("ACCESS_TOKEN_SCOPE_INSUFFICIENT", _):
            """
            this machine's access scopes leave out Pub/Sub: give it the scope cloud-platform (gcloud compute instances set-service-account), \
            or a key by GOOGLE_SERVICE_ACCOUNT_JSON
            """
        case (_, .projectNotFound), ("CONSUMER_INVALID", _):
            """
            check GOOGLE_CLOUD_PROJECT: it is the project's id, not its display name (gcloud projects list), \
            and \(account ?? "this account") needs rights in it
            """
        case (_, .permissionDenied): permissionAdvice(said, project: project)
        case (_, .unauthenticated):
            "check that \(account ?? "the service account") exists and is enabled, and that this machine's clock is right"
        case ("RATE_LIMIT_EXCEEDED", .resourceExhausted):
            """
            the project's quota of requests is used up (\(said.metadata["quota_metric"] ?? "pubsub.googleapis.com")): it recovers within a \
            minute, and can be raised in the Google Cloud console
            """
        case (_, .resourceExhausted) where call == .createSubscription:
            """
            there can be 10,000 subscriptions of a topic and of a project: remove those that nobody uses \
            (gcloud pubsub subscriptions list --project=\(project), gcloud pubsub subscriptions delete NAME)
            """
        case (_, .failedPrecondition) where call == .createTopic, (_, .invalidArgument) where call == .createTopic:
            """
            where the organization restricts regions (constraints/gcp.resourceLocations), set PUBSUB_REGION to one that it allows
            """
        default: nil
        }
    }

    private func permissionAdvice(_ said: ErrorAnswer, project: String) -> String {
        let missing = said.metadata["permission"].map { "\($0) is missing: " } ?? ""
        let kind = account?.hasSuffix("gserviceaccount.com") == false ? "user" : "serviceAccount"
        return """
            \(missing)grant the role by gcloud projects add-iam-policy-binding \(project) \
            --member=\(kind):\(account ?? "ACCOUNT") --role=roles/pubsub.editor
            """
    }

    private var account: String? { credentials.account }
}
