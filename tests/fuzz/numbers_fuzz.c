/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any file is a distribution table or a delivery trace, or refused with a
 * sentence; a trace that is one delivers any frame, in order and in the end.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "impair/parts.h"
#include "impair/turn.h"

static void
check_err(int error, const struct epair_err *err)
{
	EP_ASSERT(error == -EINVAL || error == -ENOMEM);
	EP_ASSERT(err->code == error && strncmp(err->text, "file", 4) == 0);
}

/* The frames' lengths and pauses are octets of the file itself. */
static void
use_trace(const struct ep_trace *t, const uint8_t *data, size_t size)
{
	static const struct ep_link_conf none;
	struct ep_link_conf conf = { .trace = "file" };
	struct ep_turn turn = { .trace = NULL };
	uint64_t came = 0, last = 0;

	for (uint32_t i = 1; i < t->count; i++)
		EP_ASSERT(t->at_ms[i] >= t->at_ms[i - 1]);
	ep_turn_set(&turn, &conf, &none, t, 0);
	for (size_t i = 0; i + 1 < size && i < 64; i++) {
		uint64_t begin, sent;

		came += (uint64_t)data[i] << data[i + 1] % 48;
		begin = ep_turn_free(&turn, &conf, came);
		sent = ep_turn_take(&turn, &conf, data[i + 1] * 256u, came);
		EP_ASSERT(begin > came && sent >= begin && sent >= last);
		last = sent;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct ep_samples *table = NULL;
	struct ep_trace *trace = NULL;
	struct epair_err err = { 0 };
	int error = ep_samples_parse("file", text, size, &table, &err);

	if (error != 0)
		check_err(error, &err);
	else
		EP_ASSERT(table->count > 0 && table->count <= EP_SAMPLES_MAX);
	error = ep_trace_parse("file", text, size, &trace, &err);
	if (error != 0)
		check_err(error, &err);
	else
		use_trace(trace, data, size);
	free(table);
	free(trace);
	return 0;
}
