// The connection that publishes the alerts that all readers get.
#pragma once
#include <stdint.h>

#include "options.h"

void publisher_open(const struct options *options);
bool publisher_is_ready(void);

/// Queues the next alert, due at that time.
void publisher_publish(int64_t due);
void publisher_flush(void);
