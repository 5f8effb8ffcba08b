/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any text is a scenario or is refused, with a sentence that names the line;
 * what is one can be begun, and ends when its time is over.
 */
#include <epair/epair.h>

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
play(struct epair_scenario *sc)
{
	struct epair_scenario_status status = { .size = sizeof(status) };
	struct epair_opts opts = { .size = sizeof(opts), .way = EPAIR_SIM };
	struct epair_if *a;
	struct epair *ep;

	EP_ASSERT(epair_new(&opts, &ep, NULL) == 0);
	EP_ASSERT(epair_if_create(ep, NULL, "epair", NULL, &a, NULL) == 0);
	EP_ASSERT(epair_scenario_start(sc, a, NULL) == 0);
	/* What is attached may go on for ever: its time is bounded. */
	EP_ASSERT(epair_advance(ep, UINT64_C(1000000)) == 0);
	EP_ASSERT(epair_scenario_get_status(sc, &status) == 0);
	EP_ASSERT(status.refused <= status.done && status.done <= status.steps);
	epair_scenario_free(sc);
	epair_if_put(a);
	EP_ASSERT(epair_free(ep) == 0);
}

/* Not what would open files, devices and sockets of this machine. */
static int
is_harmless(const uint8_t *data, size_t size)
{
	/* A distribution is a file if its name has a slash. */
	static const char *const words[] = { "attach", "trace", "/" };

	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (memmem(data, size, words[i], strlen(words[i])) != NULL)
			return 0;
	return 1;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct epair_scenario *sc;
	struct epair_err err = { .text = "" };
	int error = epair_scenario_parse(
	    (const char *)data, size, "name", &sc, &err);

	if (error != 0) {
		EP_ASSERT(error == -EINVAL && err.code == error);
		EP_ASSERT(strncmp(err.text, "name:", 5) == 0);
		return 0;
	}
	if (is_harmless(data, size))
		play(sc);
	else
		epair_scenario_free(sc);
	return 0;
}
