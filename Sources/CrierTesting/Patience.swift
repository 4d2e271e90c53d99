extension Duration {
    /// How long tests wait for what has to come: many times what it takes on a machine that is busy with other things.
    ///
    /// A bound is there so that a test ends. How soon something comes is asserted where that is what the test is about.
    public static let patience = Duration.seconds(90)
}
