/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * qdisc/class.h - the class of a frame, by what its sender says of its
 * importance: 0 is the least, 7 the most.
 *
 * The 802.1Q priority (PCP) in its order of importance (IEEE 802.1Q: 1 is below
 * 0), or the class selector of the IPv4 or IPv6 DSCP (its upper three bits, RFC
 * 2474). A frame without is of priority 0, or DSCP 0.
 */
#ifndef EP_QDISC_CLASS_H
#define EP_QDISC_CLASS_H

#include "base/spec.h"
#include "mbuf/mbuf.h"

#define EP_CLASSES 8u

enum ep_class_by { EP_BY_PCP, EP_BY_DSCP, EP_BY_FLOW };

/* For EP_OPT_CHOICE: without and with "flow". */
extern const char *const ep_class_by[];
extern const char *const ep_class_or_flow[];

unsigned ep_class_of(enum ep_class_by by, const struct epair_mbuf *m);

/*
 * "CLASS:REST", as disciplines have it in keys that may be repeated: the class,
 * and the rest in *rest. Returns 0, or -EINVAL with a sentence.
 */
int ep_class_parse(const char *key, const char *text, unsigned *class,
    const char **rest, struct epair_err *err);

#endif /* EP_QDISC_CLASS_H */
