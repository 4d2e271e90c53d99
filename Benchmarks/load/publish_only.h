// Publishing that nobody reads: how many alerts a server takes in.
#pragma once
#include "options.h"

/// Runs it and reports.
void publish_only(const struct options *options);
