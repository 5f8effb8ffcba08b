/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/error.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int
positive(int code)
{
	if (code == INT_MIN)
		return INT_MAX;
	return code < 0 ? -code : code;
}

/*
 * Built aside, so that a sentence may be made of the one that err held:
 * ep_fail(err, error, "end a: %s", err->text).
 */
static void fill(struct epair_err *err, int code, const char *words,
    const char *fmt, va_list ap) __attribute__((format(printf, 4, 0)));

static void
fill(struct epair_err *err, int code, const char *words, const char *fmt,
    va_list ap)
{
	char text[EPAIR_ERR_TEXT_MAX];
	size_t len;

	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): by callers */
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	if (words != NULL) {
		len = strlen(text);
		(void)snprintf(text + len, sizeof(text) - len, ": %s", words);
	}
	for (char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == '\177')
			*c = '?';
	err->code = code;
	memcpy(err->text, text, sizeof(text));
}

int
ep_fail(struct epair_err *err, int code, const char *fmt, ...)
{
	va_list ap;

	if (err != NULL) {
		va_start(ap, fmt);
		fill(err, code, NULL, fmt, ap);
		va_end(ap);
	}
	return code;
}

int
ep_fail_sys(struct epair_err *err, int code, const char *fmt, ...)
{
	const char *words = strerrordesc_np(positive(code));
	va_list ap;

	if (err != NULL) {
		va_start(ap, fmt);
		fill(err, code, words != NULL ? words : "unknown error", fmt,
		    ap);
		va_end(ap);
	}
	return code;
}

const char *
epair_err_name(int code)
{
	const char *name = strerrorname_np(positive(code));

	return name != NULL ? name : "E?";
}
