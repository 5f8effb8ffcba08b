/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

void
ep_panic(const char *file, int line, const char *func, const char *what)
{
	(void)fprintf(stderr, "libepair: %s:%d: %s: broken invariant: %s\n",
	    file, line, func, what);
	abort();
}
