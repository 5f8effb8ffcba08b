/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any text as a trace, played against the library: the reader must end and
 * name the line, the library must bear every order of commands, and nothing
 * may be left when the instance is freed.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "../conformance/play.h"

/* Enough for a queue to overflow and little enough for many runs a second. */
#define BUDGET 12000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *null;
	struct play play = { .file = "fuzz", .budget = BUDGET };

	if (null == NULL)
		null = fopen("/dev/null", "w");
	play.out = null != NULL ? null : stderr;
	if (play_text(&play, (const char *)data, size) == -EBUSY)
		abort();
	return 0;
}
