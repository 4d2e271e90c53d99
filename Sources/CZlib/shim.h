// Input that zlib only reads is `const` with this.
#define ZLIB_CONST
#include <zlib.h>
