import StrictJSON

/// Which key a token asks for.
struct KeyQuery: Sendable, Hashable {
    /// The token's `kid`.
    let id: String?
    let algorithm: SigningAlgorithm
}

/// The issuer's keys as they were served once, by their ids.
struct KeyIndex: Sendable {
    private var keys: [String: [SigningAlgorithm: VerificationKey]] = [:]
    /// All keys, with an id or without, for tokens that name none.
    private var byAlgorithm: [SigningAlgorithm: [VerificationKey]] = [:]

    enum Finding {
        case found(VerificationKey)
        /// There is no such key, or which one is meant cannot be told.
        case unknown
        /// The key that is meant is not for this algorithm.
        case otherAlgorithm
    }

    /// How many keys a set may have.
    static let maxKeys = 256
    private static let limits = JSONLimits(maxDepth: 16, maxMembers: 256)

    /// Reads a JSON Web Key Set (RFC 7517). Keys of unknown kinds, for other uses or not well-formed are left out (section 5).
    init(_ document: [UInt8], allowing algorithms: Set<SigningAlgorithm>) async throws(KeySourceError) {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONValue.parse(document, limits: Self.limits)
        } catch {
            throw KeySourceError("the key set is not JSON: \(error.message)")
        }
        guard let elements = value.objectValue?["keys"]?.arrayValue else {
            throw KeySourceError("the key set has no array “keys”")
        }
        guard elements.count <= Self.maxKeys else {
            throw KeySourceError("the key set has more than \(Self.maxKeys) keys")
        }
        for element in elements {
            guard let key = element.objectValue, Self.isForVerifying(key), let material = PublicKeyMaterial(key)
            else { continue }
            let id = key["kid"]?.stringValue
            let own = key["alg"]?.stringValue
            for algorithm in algorithms where own == nil || own == algorithm.rawValue {
                guard let verifier = await VerificationKey(material, for: algorithm) else { continue }
                add(verifier, for: algorithm, id: id)
            }
        }
    }

    var count: Int { byAlgorithm.values.reduce(0) { $0 + $1.count } }

    func find(_ query: KeyQuery) -> Finding {
        guard let id = query.id else {
            guard let keys = byAlgorithm[query.algorithm], keys.count == 1 else { return .unknown }
            return .found(keys[0])
        }
        guard let algorithms = keys[id] else { return .unknown }
        guard let key = algorithms[query.algorithm] else { return .otherAlgorithm }
        return .found(key)
    }

    /// Of several keys with one id and one algorithm the first is meant.
    private mutating func add(_ key: VerificationKey, for algorithm: SigningAlgorithm, id: String?) {
        byAlgorithm[algorithm, default: []].append(key)
        guard let id, keys[id]?[algorithm] == nil else { return }
        keys[id, default: [:]][algorithm] = key
    }

    /// By `use` and `key_ops` (RFC 7517 sections 4.2 and 4.3); a member of a wrong type speaks against the key.
    private static func isForVerifying(_ key: JSONObject) -> Bool {
        if let use = key["use"], use != .string("sig") { return false }
        if let operations = key["key_ops"] {
            guard operations.arrayValue?.contains(.string("verify")) == true else { return false }
        }
        if let algorithm = key["alg"], algorithm.stringValue == nil { return false }
        if let id = key["kid"], id.stringValue == nil { return false }
        return true
    }
}
