/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/container.h - from a member to the structure around it.
 */
#ifndef EP_BASE_CONTAINER_H
#define EP_BASE_CONTAINER_H

#include <stddef.h>

/*
 * The `type` of which *ptr is the member. The arm that is never taken has the
 * member's type, so that the compiler warns of a pointer to any other.
 */
#define EP_CONTAINER_OF(ptr, type, member) \
	((type *)(void *)((char *)(1 ? (ptr) : &((type *)0)->member) - \
			  offsetof(type, member)))

#endif /* EP_BASE_CONTAINER_H */
