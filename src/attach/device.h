/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/device.h - a Linux device that was made for an interface, in a
 * namespace of the user's choice: its state, set from ours and followed.
 *
 * For the kinds that make one (tap, veth): how frames get to and from it is
 * theirs. The opener makes the device and hands over descriptors; nothing here
 * needs a right. What is set at the device later goes through the opener, too.
 *
 * Who is right about what (states of one value, MTU or MAC):
 *
 *	asked   what we last set, or accepted
 *	seen    what the kernel last told
 *
 *	V1  a change of ours that is not asked is set at the device
 *	V2  what the kernel tells that is neither seen nor asked was changed
 *	    inside, and we take it; asked is then that
 *
 * so an echo of our own change never comes back to us, and one that was taken
 * never goes out again. One that we cannot take is set back. UP inside is its
 * owner's; that our interface is not UP is said by carrier.
 *
 *	init		first; st has its ifp
 *	ask, note	in create
 *	start		in ops->start, behind which changed may be called
 *	stop, fini	in ops->release; stop may come without start
 *
 * Locking: conf guards the device's state and is held over requests to the
 * opener; nl the route socket and what is counted from it. Order: conf, nl;
 * both before the configuration lock.
 */
#ifndef EP_ATTACH_DEVICE_H
#define EP_ATTACH_DEVICE_H

#include "attach/attach.h"
#include "attach/netdev.h"
#include "attach/netns.h"
#include "attach/opener.h"
#include "base/atomic.h"

/* What the user says of it; embedded in the kind's conf. */
struct ep_device_conf {
	const char *netns; /* name, pid, path, "new"; NULL: the caller's */
	const char *name; /* NULL: the interface's own */
	unsigned addr_count, gw_count;
	struct ep_addr addrs[EP_OPENER_ADDRS_MAX];
	struct ep_addr gws[EP_OPENER_ADDRS_MAX];
};

/* The rows of a kind's option table for that member. */
#define EP_DEVICE_OPTS(conf, member) \
	{ "netns", "NAME|PID|PATH|new", EP_OPT_TEXT, \
		offsetof(conf, member.netns) }, \
	    { "name", "NAME", EP_OPT_TEXT, offsetof(conf, member.name) }, \
	    { "addr", "CIDR", EP_OPT_CIDR, offsetof(conf, member.addrs), \
		    .many = EP_OPENER_ADDRS_MAX, \
		    .many_offset = offsetof(conf, member.addr_count) }, \
	{ \
		"gw", "ADDRESS", EP_OPT_ADDR, offsetof(conf, member.gws), \
		    .many = EP_OPENER_ADDRS_MAX, \
		    .many_offset = offsetof(conf, member.gw_count) \
	}

struct ep_device;

struct ep_device_ops {
	/* Does it still exist, if not where it was? */
	bool (*exists)(struct ep_device *dev);
	/* Have the device see carrier, or none. */
	void (*set_carrier)(struct ep_device *dev, bool on);
	/* Capabilities have changed to these. May be NULL. */
	void (*set_offload)(struct ep_device *dev, uint32_t caps);
	/* The reason under which the device's tx_dropped is counted. */
	enum epair_drop overflow;
};

struct ep_device {
	const struct ep_device_ops *ops; /* constant */
	struct ep_stack *st; /* constant */
	struct ep_netns ns;
	uint32_t ifindex; /* constant after ask */
	bool follows_name; /* constant: it is called as the interface is */
	bool carrier; /* atomic: as we set it */
	bool listens; /* atomic: it is up inside, as far as we see */

	struct ep_mutex conf;
	struct ep_netdev seen EP_GUARDED;
	uint32_t asked_mtu EP_GUARDED;
	uint8_t asked_mac[6] EP_GUARDED;
	bool was_up EP_GUARDED; /* our interface */
	bool is_away EP_GUARDED; /* moved to where we do not see it */
	unsigned gw_count; /* constant */
	struct ep_addr gws[EP_OPENER_ADDRS_MAX]; /* constant */

	struct ep_mutex nl;
	uint32_t nl_serial EP_GUARDED;
	uint64_t dropped EP_GUARDED; /* tx_dropped that was accounted for */
	bool is_running EP_GUARDED; /* the link was, when last looked at */

	struct ep_task follow_task;
};

/* Check what the option table cannot. Returns 0 or -EINVAL. */
int ep_device_check(const struct ep_device_conf *conf, struct epair_err *err);

void ep_device_init(struct ep_device *dev, const struct ep_device_ops *ops,
    struct ep_stack *st);

/*
 * Have it made, or looked at: call->req has its op, its queues and the flags
 * that are the kind's; all else is filled in from conf and the interface, whose
 * state comes back in *info. Gives as ep_netns_ask() does; returns where in
 * call->got the kind's own descriptors begin, or a negated errno.
 */
int ep_device_ask(struct ep_device *dev, const struct ep_device_conf *conf,
    const struct ep_netns_with *with, struct ep_opener_call *call,
    struct epair_if_info *info, struct epair_err *err);

/* What came of it: all is set up, and create cannot fail any more. */
void ep_device_note(struct ep_device *dev, const struct epair_if_info *info,
    const struct ep_opener_answer *answer);

void ep_device_start(struct ep_device *dev);
void ep_device_stop(struct ep_device *dev);
void ep_device_fini(struct ep_device *dev);

/* Bring the device in line with the interface: for ops->changed. */
void ep_device_changed(struct ep_device *dev, uint32_t what);

/* Count what the kernel dropped: for ops->refresh. */
void ep_device_refresh(struct ep_device *dev);

/* Does what it is given reach a stack? */
static inline bool
ep_device_listens(const struct ep_device *dev)
{
	return ep_load_relaxed(&dev->carrier) && ep_load_relaxed(&dev->listens);
}

/* It was not where it was: lost, or moved, and only following it ends. */
void ep_device_missing(struct ep_device *dev);

#endif /* EP_ATTACH_DEVICE_H */
