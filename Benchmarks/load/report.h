// One line of JSON on standard output.
#pragma once
#include <stdint.h>

void report_begin(void);
void report_text(const char *key, const char *value);
void report_count(const char *key, int64_t value);
void report_number(const char *key, double value);
void report_end(void);
