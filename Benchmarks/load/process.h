// CPU time and memory of the server: of its process and those that it has started.
#pragma once
#include <stdint.h>

/// Finds the process and its descendants. What is started later is not seen.
void process_find(int pid);

/// Nanoseconds that all threads have run, from /proc/PID/task/*/schedstat.
int64_t process_cpu(void);

/// Nanoseconds that a process' only core has been busy with anything, or has been withheld by a hypervisor, from
/// /proc/stat; to a clock tick. 0 if the process may run on several cores. `pid` 0 is this process.
int64_t process_core_busy(int pid);

/// Bytes of resident memory, from /proc/PID/statm.
int64_t process_memory(void);
