#ifndef CRIER_LIBPQ_SHIM_H
#define CRIER_LIBPQ_SHIM_H

// Debian keeps libpq's headers in a folder of their own, others beside everything else.
#if __has_include(<postgresql/libpq-fe.h>)
#include <postgresql/libpq-fe.h>
#else
#include <libpq-fe.h>
#endif

// Swift takes no character constants over from macros.
static const int crier_diag_sqlstate = PG_DIAG_SQLSTATE;
static const int crier_diag_message_primary = PG_DIAG_MESSAGE_PRIMARY;

#endif
