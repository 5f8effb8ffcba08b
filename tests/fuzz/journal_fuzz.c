/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any octets as a daemon's state. What is read of them is whole changes: those
 * that are cut off where it says come to the same.
 */
#include <stdint.h>
#include <stdlib.h>

#include "ctl/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *octets = (const char *)data;
	json_t *all = json_object(), *again = json_object();
	size_t good, same;
	struct epair_err err;

	if (ctl_journal_read(octets, size, all, &good, &err) == 0 &&
	    (good > size ||
		ctl_journal_read(octets, good, again, &same, &err) != 0 ||
		same != good || !json_equal(all, again)))
		abort();
	json_decref(all);
	json_decref(again);
	return 0;
}
