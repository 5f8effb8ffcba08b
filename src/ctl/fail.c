/* SPDX-License-Identifier: BSD-2-Clause */
#include "ctl/fail.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int
ctl_fail(struct epair_err *err, int code, const char *fmt, ...)
{
	char text[EPAIR_ERR_TEXT_MAX];
	va_list ap;

	if (err == NULL)
		return code;
	va_start(ap, fmt);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): va_start */
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	err->code = code;
	memcpy(err->text, text, sizeof(text));
	return code;
}
