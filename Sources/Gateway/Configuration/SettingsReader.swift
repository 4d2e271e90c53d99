import Configuration
import SystemPackage

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Where settings come from: flags before the environment before the file. Blank values count as not said.
public struct SettingsReader: Sendable {
    private let reader: ConfigReader

    /// - Parameters:
    ///   - arguments: what follows `crier serve`: `--key value` or `--key=value`, and `--config <file>`.
    ///   - file: a file of `KEY=value` lines; `--config` and `CRIER_CONFIG` name one too.
    /// - Throws: `ConfigurationError` for a flag or argument that is none, or a file that cannot be read.
    public init(arguments: [String], environment: [String: String]) async throws {
        let flags = try Self.flags(arguments)
        // Flags by their settings' keys: a value stays a value even where it begins as a flag does.
        var providers: [any ConfigProvider] = [
            EnvironmentVariablesProvider(environmentVariables: flags),
            EnvironmentVariablesProvider(
                environmentVariables: environment.filter { !$0.value.trimmingBlanks().isEmpty }),
        ]
        if let path = flags[Self.file] ?? environment[Self.file], !path.trimmingBlanks().isEmpty {
            try Self.checkFile(path)
            providers.append(try await EnvironmentVariablesProvider(environmentFilePath: FilePath(path)))
        }
        self.reader = ConfigReader(providers: providers)
    }

    /// - Returns: `nil` where nothing, or nothing but blanks, is said.
    func text(_ setting: Setting) -> String? {
        let text = reader.string(forKey: ConfigKey(setting.path), isSecret: setting.isSecret)?.trimmingBlanks()
        return text?.isEmpty == true ? nil : text
    }

    /// A value that no setting of the table stands for, such as `FLY_APP_NAME`.
    func other(_ key: String) -> String? {
        reader.string(forKey: ConfigKey(key.lowercased().replacing("_", with: ".")))
    }

    func number(_ setting: Setting, in range: ClosedRange<Int>, standard: Int) throws(ConfigurationError) -> Int {
        guard let text = text(setting) else { return standard }
        guard let number = Int(text), range.contains(number) else {
            throw ConfigurationError(
                key: setting.key, "“\(text)” is not a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func rate(_ setting: Setting, standard: Rate) throws(ConfigurationError) -> Rate {
        guard let text = text(setting) else { return standard }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count == 2, let perSecond = parts[0], let burst = parts[1], perSecond > 0, burst > 0 else {
            throw ConfigurationError(
                key: setting.key, "“\(text)” is not a rate: write how many a second and how many at once, such as 10/20"
            )
        }
        return Rate(perSecond: perSecond, burst: burst)
    }

    func choice<Value: RawRepresentable & CaseIterable>(
        _ setting: Setting, standard: Value
    ) throws(ConfigurationError) -> Value where Value.RawValue == String {
        guard let text = text(setting) else { return standard }
        guard let value = Value(rawValue: text.lowercased()) else {
            let choices = Value.allCases.map(\.rawValue).joined(separator: ", ")
            throw ConfigurationError(key: setting.key, "“\(text)” is none of: \(choices)")
        }
        return value
    }

    /// Refuses a file that cannot be read, and one with a line that sets nothing: a key that is mistyped would go unnoticed.
    private static func checkFile(_ path: String) throws(ConfigurationError) {
        guard let bytes = FileManager.default.contents(atPath: path),
            let text = String(validating: bytes, as: UTF8.self)
        else { throw ConfigurationError(key: file, "cannot read the file \(path)") }
        let known = Set(Setting.all.map(\.key) + ["FLY_MACHINE_ID", "FLY_APP_NAME", "GCE_METADATA_HOST"])
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let line = line.trimmingBlanks()
            if line.isEmpty || line == "\r" || line.hasPrefix("#") { continue }
            let key = line.prefix { $0 != "=" }.trimmingBlanks()
            guard line.contains("="), known.contains(key) else {
                // What does not look like a key may be a line of a secret that was pasted as it is.
                throw ConfigurationError(
                    key: isKeyLike(key) ? key : file,
                    "line \(number + 1) of \(path): not KEY=value with a key that there is")
            }
        }
    }

    private static func isKeyLike(_ text: String) -> Bool {
        text.utf8.count <= 40
            && text.utf8.allSatisfy { byte in
                byte == UInt8(ascii: "_") || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
            }
    }

    /// The key that names the file.
    private static let file = "CRIER_CONFIG"

    /// The values of `--key value` and `--key=value`, by the settings' keys; of several the last counts.
    private static func flags(_ arguments: [String]) throws(ConfigurationError) -> [String: String] {
        var keys = Dictionary(uniqueKeysWithValues: Setting.all.map { ($0.flag, $0.key) })
        keys["--config"] = file
        var values: [String: String] = [:]
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            guard argument.hasPrefix("--") else {
                throw ConfigurationError(key: argument, "not a flag; crier serve takes --key value pairs")
            }
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard let key = keys[parts[0]] else {
                throw ConfigurationError(key: parts[0], "there is no such flag; crier serve --help lists them")
            }
            guard let value = parts.count > 1 ? parts[1] : rest.popFirst() else {
                throw ConfigurationError(key: argument, "a value has to follow")
            }
            values[key] = value
        }
        return values
    }
}
