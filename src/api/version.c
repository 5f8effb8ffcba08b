/* SPDX-License-Identifier: BSD-2-Clause */
#include <epair/err.h>

const char *
epair_version(void)
{
	return EP_VERSION;
}
