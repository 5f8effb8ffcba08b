/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/daemon.h"

#include <stdio.h>
#include <time.h>

/* Lines of a second. */
#define BURST 20u

void
log_line(const char *line)
{
	static time_t second;
	static unsigned said, unsaid;
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec != second) {
		if (unsaid > 0)
			(void)fprintf(stderr,
			    "epaird: %u more lines were not written\n", unsaid);
		second = now.tv_sec;
		said = unsaid = 0;
	}
	if (said++ < BURST)
		(void)fprintf(stderr, "epaird: %s\n", line);
	else
		unsaid++;
}
