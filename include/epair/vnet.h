/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epair/vnet.h - virtual network stack instances: spaces of interface names.
 *
 * Every vnet has its own interface names and its own epair cloner with its own
 * units (contract 1.1). "vnet0" always exists and cannot be ended. A vnet name
 * obeys the rules of interface names, see epair_if_rename().
 */
#ifndef EPAIR_VNET_H
#define EPAIR_VNET_H

#include <stddef.h>
#include <stdint.h>

#include <epair/err.h>

#ifdef __cplusplus
extern "C" {
#endif

struct epair;

#define EPAIR_NAME_MAX 16 /* an interface's or vnet's name, with its NUL */

/*
 * Make a vnet. `kind` may be NULL; else it is an attachment such as
 * "tap:netns=red" that everything moved into or made in this vnet gets, see
 * attach.h. A namespace by the number of a process is that of the process which
 * has the number when the first is attached: once it has ended, attaching is
 * refused with -ESTALE, whoever has the number then.
 *
 * Returns 0; -EEXIST if there is one of that name, or one that has not yet
 * ended; -EINVAL for a bad name or kind; -ENOMEM.
 */
EPAIR_API int epair_vnet_add(struct epair *ep, const char *name,
    const char *kind, struct epair_err *err);

/*
 * End a vnet (contract 8.3): interfaces whose home is elsewhere go home, not
 * UP, renamed `dev<index>` if their name is taken there; then the pairs that
 * were made in it are destroyed, newest first, wherever their ends are.
 *
 * Returns 0; -ENOENT if there is none; -EBUSY for vnet0.
 */
EPAIR_API int epair_vnet_del(
    struct epair *ep, const char *name, struct epair_err *err);

/*
 * How many frames the pairs made in this vnet may hold together; 0 is no
 * limit of its own. Returns 0, or -ENOENT.
 */
EPAIR_API int epair_vnet_set_limit(struct epair *ep, const char *name,
    unsigned mbufs_max, struct epair_err *err);

/* What a vnet is. */
struct epair_vnet_info {
	size_t size; /* sizeof(struct epair_vnet_info) */
	uint32_t mbufs_max; /* of all pairs made in it; UINT32_MAX: no limit */
	uint32_t interfaces; /* that are in it */
	uint32_t pairs; /* that were made in it */
};

/* Fill *info. Returns 0; -ENOENT; -EINVAL for the size. */
EPAIR_API int epair_vnet_get_info(
    struct epair *ep, const char *name, struct epair_vnet_info *info);

/*
 * The kind that it was given, at most size octets with the NUL; "" if none.
 * Returns the length of all of it; -ENOENT.
 */
EPAIR_API int epair_vnet_get_kind(
    struct epair *ep, const char *name, char *buf, size_t size);

/*
 * The network namespace that netns=new in its kind made, for all that it
 * attaches: there is one as soon as something in it was attached, and while the
 * vnet is there.
 * Returns a descriptor, to be closed; -ENOENT; -ENXIO if it has none; -EMFILE.
 */
EPAIR_API int epair_vnet_get_netns(struct epair *ep, const char *name);

/*
 * The names of all vnets, oldest first, up to max of them.
 * Returns how many there are, which may be more than max.
 */
EPAIR_API int epair_vnet_list(
    struct epair *ep, char (*names)[EPAIR_NAME_MAX], size_t max);

#ifdef __cplusplus
}
#endif

#endif /* EPAIR_VNET_H */
