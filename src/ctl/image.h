/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctl/image.h - vnets and pairs as the journal has them.
 *
 *	numbers			{"host-id", "mac-counter", "last-place"}
 *	vnet/NAME		{"kind", "owner", "max-pairs"}
 *	pair/HOME/UNIT		{"a": END, "b": END}
 *
 * An END is what ctl_if_encode() says of it, but for what follows from the
 * rest; and
 *
 *	discipline	all of its text
 *	attach		all of the attachment's text
 *	by-vnet		true: its vnet gave it
 *	handed		true: by descriptors that came from elsewhere
 *	token, fds	where its descriptors are kept: their names, in order;
 *			those of the link's files, if these were handed over,
 *			behind the attachment's
 */
#ifndef EP_CTL_IMAGE_H
#define EP_CTL_IMAGE_H

#include "ctl/codec_if.h"
#include "ctl/keep.h"
#include "ctl/world.h"

#define CTL_IMAGE_NUMBERS  "numbers"
#define CTL_IMAGE_SPEC_MAX 4096

/* One end, read. */
struct ctl_image_end {
	struct ctl_if ifc; /* its info and link */
	char qdisc[256];
	char attach[CTL_IMAGE_SPEC_MAX];
	bool by_vnet, is_handed;
	struct ctl_kept kept; /* count 0: none; names only, fd is -1 */
};

/* "pair/HOME/UNIT" of a pair. */
void ctl_image_key(const struct epair_if_info *info, char *key, size_t size);

/*
 * An end as it is. If nothing is attached, `waiting` has the members that say
 * what is to be (attach, by-vnet), or is NULL; kept may have no token. A new reference, or NULL for want of memory;
 * *info is filled on the way.
 */
json_t *ctl_image_end(struct epair_if *ifp, json_t *waiting, bool is_handed,
    const struct ctl_kept *kept, struct epair_if_info *info);

/* A vnet's members, put into object, which it takes and gives back, or NULL. */
json_t *ctl_image_vnet(const struct ctl_vnet *vn, json_t *object);

json_t *ctl_image_numbers(struct epair *ep);

/* Read one; returns 0, or -EINVAL naming the member. */
int ctl_image_read_end(
    json_t *object, struct ctl_image_end *end, struct epair_err *err);
int ctl_image_read_numbers(
    json_t *object, struct epair_numbers *numbers, struct epair_err *err);

/* The token and names of an end's object: count 0 if it has none. */
void ctl_image_kept(json_t *end, struct ctl_kept *kept);

/* Whether its namespace is named by a process, which may be another by now. */
bool ctl_image_is_by_process(const char *attach);

#endif /* EP_CTL_IMAGE_H */
