/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files for `epair apply`: what is read is written, and read again the same.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include <epair/err.h>

#include "base/assert.h"
#include "cli/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
write_and_read(json_t *doc)
{
	struct epair_err err = { 0 };
	json_t *again = NULL;
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	EP_ASSERT(f != NULL);
	EP_ASSERT(config_write(f, doc) == 0);
	(void)fclose(f);
	f = fmemopen(text, len, "r");
	EP_ASSERT(f != NULL);
	EP_ASSERT(config_read(f, &again, &err) == 0);
	(void)fclose(f);
	EP_ASSERT(json_equal(doc, again));
	json_decref(again);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct epair_err err = { 0 };
	json_t *doc = NULL;
	FILE *f;
	int error;

	if (n == 0)
		return 0;
	f = fmemopen((void *)(uintptr_t)data, n, "r");
	EP_ASSERT(f != NULL);
	error = config_read(f, &doc, &err);
	(void)fclose(f);
	if (error != 0) {
		EP_ASSERT(error == -EINVAL && err.text[0] != '\0');
		return 0;
	}
	write_and_read(doc);
	json_decref(doc);
	return 0;
}
