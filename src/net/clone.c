/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/clone.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"

void
ep_cloner_init(struct ep_cloner *cl)
{
	ep_index_init(&cl->units, EP_UNIT_MAX);
}

void
ep_cloner_fini(struct ep_cloner *cl)
{
	ep_index_fini(&cl->units);
}

int
ep_clone_parse(const char *name, uint32_t *unit, struct epair_err *err)
{
	const size_t prefix = strlen(EP_CLONE_NAME);
	const char *digits = name + prefix;
	uint64_t n = 0;

	if (strncmp(name, EP_CLONE_NAME, prefix) != 0 ||
	    digits[strspn(digits, "0123456789")] != '\0')
		return ep_fail(err, -EINVAL,
		    "'%.32s' is no name for a new pair; "
		    "write epair or epair<N>",
		    name);
	if (digits[0] == '\0') {
		*unit = EP_UNIT_ANY;
		return 0;
	}
	if (digits[0] == '0' && digits[1] != '\0')
		return ep_fail(
		    err, -EINVAL, "'%.32s': a unit has no leading zero", name);
	for (; *digits != '\0' && n <= INT32_MAX; digits++)
		n = n * 10 + (uint64_t)(*digits - '0');
	if (n > INT32_MAX)
		return ep_fail(err, -EINVAL, "'%.32s': a unit is at most %d",
		    name, INT32_MAX);
	if (n > EP_UNIT_MAX)
		return ep_fail(err, -ENOSPC, "'%.32s': units end at %u", name,
		    EP_UNIT_MAX);
	*unit = (uint32_t)n;
	return 0;
}
