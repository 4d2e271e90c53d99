extension String {
    /// The beginning of a text of another's, safe to log and to print: what could act on a terminal is left out.
    func printable(upTo count: Int) -> String {
        var result = ""
        for scalar in unicodeScalars.prefix(count) {
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator: result += " "
            case .format, .privateUse, .unassigned, .surrogate: continue
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
