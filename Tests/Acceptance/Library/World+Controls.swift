import CrierTesting

// What a control does to the bus.
extension World {
    /// Replaces the way in which the database gives positions: by a sequence, without the lock that orders them with the commits, as a log that is
    /// polled by its greatest id has them. Commits take a little while, as they do on a busy machine.
    func pollSequence() async throws {
        guard let postgres = (bus as? PostgresBacking)?.server else { return }
        func signature(_ part: String) async throws -> String {
            try await postgres.query("SELECT pg_get_function_\(part)('crier.publish'::regproc)")
        }
        let arguments = try await signature("arguments")
        let result = try await signature("result")
        try await postgres.query(
            """
            CREATE SEQUENCE crier.control;
            SELECT setval('crier.control', greatest(last_offset, 1), last_offset > 0) FROM crier.state;
            CREATE OR REPLACE FUNCTION crier.publish(\(arguments)) RETURNS \(result) LANGUAGE plpgsql AS $function$
            DECLARE
              s crier.state;
              number bigint;
            BEGIN
              SELECT * INTO s FROM crier.state;
              FOR place IN 1..array_length(bodies, 1) LOOP
                number := nextval('crier.control');
                INSERT INTO crier.log (epoch, "offset", time, body, key)
                  VALUES (s.epoch, number, clock_timestamp(), bodies[place], keys[place]);
                at_epoch := s.epoch;
                at_offset := number;
                is_known := false;
                RETURN NEXT;
              END LOOP;
              PERFORM pg_sleep(random() * 0.03);
              UPDATE crier.state SET last_offset = greatest(last_offset, number), held = held + array_length(bodies, 1);
              PERFORM pg_notify('crier_log', s.epoch || '-' || number);
            END
            $function$;
            """, as: "crier")
    }
}
