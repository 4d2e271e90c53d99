#include "report.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static const char *separator;

static void key_of(const char *key) {
    printf("%s\"%s\":", separator, key);
    separator = ",";
}

void report_begin(void) {
    putchar('{');
    separator = "";
}

void report_text(const char *key, const char *value) {
    key_of(key);
    printf("\"%s\"", value);
}

void report_count(const char *key, int64_t value) {
    key_of(key);
    printf("%" PRId64, value);
}

void report_number(const char *key, double value) {
    key_of(key);
    if (isfinite(value)) printf("%.6g", value);
    else printf("null");
}

void report_end(void) {
    puts("}");
}
