/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/sized.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"

static size_t
size_of(const void *sized)
{
	size_t size;

	memcpy(&size, sized, sizeof(size));
	return size;
}

int
ep_sized_take(void *full, size_t full_size, const void *given, const char *what,
    struct epair_err *err)
{
	size_t size;

	if (given == NULL)
		return 0;
	size = size_of(given);
	if (size < sizeof(size) || size > full_size)
		return ep_fail(err, -EINVAL,
		    "%s has size %zu: set it to sizeof, which is %zu", what,
		    size, full_size);
	memcpy(full, given, size);
	memcpy(full, &full_size, sizeof(full_size));
	return 0;
}

int
ep_sized_give(void *given, const void *full, size_t full_size)
{
	size_t size = size_of(given);

	if (size < sizeof(size) || size > full_size)
		return -EINVAL;
	memcpy(given, full, size);
	memcpy(given, &size, sizeof(size));
	return 0;
}
