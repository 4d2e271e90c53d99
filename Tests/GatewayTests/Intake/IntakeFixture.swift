import MessageBus
import StrictJSON

@testable import Gateway

/// The moment at which the tests' requests arrive: 2027-01-15T08:00:00Z.
let now = WallTime(seconds: 1_800_000_000)

/// A publish request. Header names are in lower case, as the gateway gives them.
func input(
    topic: String? = "a", headers: [(String, String)] = [], query: String = "", body: String = ""
) -> PublishInput {
    PublishInput(
        topic: topic,
        fields: RequestFields(headers: headers.map { (name: $0.0, value: $0.1) }, query: Query.parse(query)),
        body: Array(body.utf8), now: now)
}

/// What the intake makes of a request that is not a batch.
func read(_ input: PublishInput) throws -> AlertRequest {
    let result = try PublishIntake().read(input)
    guard let request = result.requests.first, result.requests.count == 1 else { throw NotOneRequest() }
    return request
}

/// What the intake makes of a JSON body to `POST /`.
func read(json: String, headers: [(String, String)] = [], query: String = "") throws -> AlertRequest {
    try read(input(topic: nil, headers: headers, query: query, body: json))
}

struct NotOneRequest: Error {}

/// The number of the refusal that the body throws; `nil` where it throws none.
func code(_ body: () throws -> Void) -> Int? {
    do {
        try body()
        return nil
    } catch let error as GatewayError {
        return error.code.number
    } catch let error as DuplexRequest.Refusal {
        return error.error.code.number
    } catch {
        return -1
    }
}

/// The message of the refusal that the body throws.
func refusal(_ body: () throws -> Void) -> String? {
    do {
        try body()
        return nil
    } catch {
        return (error as? GatewayError)?.message ?? "\(error)"
    }
}
