/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/error.h - failing with a sentence.
 */
#ifndef EP_BASE_ERROR_H
#define EP_BASE_ERROR_H

#include <epair/err.h>

/*
 * Fill *err (which may be NULL) with code and the sentence and return code, so
 * that a failing branch reads `return ep_fail(err, -EINVAL, "...", ...)`. Some
 * of it may be a stranger's and ends up on a terminal: control characters
 * become '?'.
 */
int ep_fail(struct epair_err *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The same, with ": " and the system's words for code behind the sentence. */
int ep_fail_sys(struct epair_err *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif /* EP_BASE_ERROR_H */
