/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctl/fail.h - failing with a sentence, for what stands on the library and not
 * in it: base/error.h is hidden inside.
 */
#ifndef EP_CTL_FAIL_H
#define EP_CTL_FAIL_H

#include <epair/err.h>

/*
 * Fill *err (which may be NULL) with code and the sentence and return code. The
 * sentence may be made of the one that err holds.
 */
int ctl_fail(struct epair_err *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif /* EP_CTL_FAIL_H */
