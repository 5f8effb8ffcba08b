/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach/attach.h - the contract of attachments.
 *
 * One folder for each kind; none knows another. A kind is a table (struct
 * ep_kind) at the end of its file, listed in attach/kinds.c. Making one:
 *
 *	1. attach/attach.c parses the text and fills the kind's conf struct by
 *	   its option table (base/spec.h).
 *	2. kind->create() does everything that can fail - devices, files,
 *	   memory - and gives a struct ep_stack (net/stack.h), its first member.
 *	3. the stack is published on the interface; from here on receive and
 *	   changed may be called, also before start.
 *	4. ops->start() begins to transmit (watches, timers).
 *	5. detach, destroy, or the attachment's own end: ops->release().
 *
 * An attachment transmits by ep_pair_transmit(st->ifp, ...) from its watches
 * and timers, which it puts on ep_ifnet_worker(st->ifp, bucket), and takes
 * mbufs from st->ifp->ep->pool. Frames that come from outside are checked
 * before they are transmitted: length, and offload metadata by
 * ep_mbuf_offload_check() (mbuf/offload.h).
 */
#ifndef EP_ATTACH_ATTACH_H
#define EP_ATTACH_ATTACH_H

#include "base/error.h"
#include "base/fds.h"
#include "base/spec.h"
#include "net/ifnet.h"
#include "net/stack.h"
#include "pair/pair.h"

struct ep_kind {
	struct epair_kind pub; /* name, sentence, keys, sim, fds */
	const struct ep_opt *opts;
	size_t conf_size;
	const void *conf_default; /* conf_size octets, or NULL: zeros */
	/*
	 * Check conf beyond what the table can (may be NULL). Must not touch
	 * the system: also called for the kind of a vnet.
	 */
	int (*check)(const void *conf, struct epair_err *err);
	/*
	 * Make one for ifp, which is not yet attached to it. conf's strings
	 * are the caller's. Called with no lock held. Gives *st with ops,
	 * accepts and the kind's own fields set; the framework sets the rest.
	 * Returns 0, or a negated errno with a sentence.
	 */
	int (*create)(struct epair_if *ifp, const void *conf,
	    struct ep_stack **st, struct epair_err *err);
	/*
	 * The same, with descriptors in the place of what it would open: the
	 * caller's, to be duplicated. NULL: the kind takes none.
	 */
	int (*create_with)(struct epair_if *ifp, const void *conf,
	    const struct ep_fds *with, struct ep_stack **st,
	    struct epair_err *err);
	/*
	 * What it must be given to open nothing by itself: names of pub.fds,
	 * into names[EPAIR_ATTACH_NEEDS_MAX]. Touches nothing, as check.
	 * Returns how many; -EPERM with a sentence if nothing will do; -EINVAL for conf
	 * that another program cannot mean. NULL: it opens nothing.
	 */
	int (*opens)(
	    const void *conf, const char **names, struct epair_err *err);
	/*
	 * Open those and give them, for somebody else's create_with. NULL: by
	 * create, and get_fds of what that made.
	 */
	int (*open)(struct epair_if *ifp, const void *conf,
	    struct ep_fds_out *out, struct epair_err *err);
};

/*
 * Is what is attached to leave what it could send where it is? If so, its
 * descriptor's watch is muted until EPAIR_CHANGED_WRITABLE, which is for it to
 * end (ep_watch_set()); not if the descriptor has ended, which is to be seen.
 */
bool ep_attach_is_held(
    struct ep_stack *st, struct ep_watch *watch, uint32_t events);

/* kinds.c: all kinds of this build, ended by NULL. */
extern const struct ep_kind *const ep_kinds[];

/* Names of kinds that there are elsewhere, but not in this build. */
extern const char *const ep_kinds_left_out[];

/* The tables that kinds.c lists, each at the end of its kind's file. */
extern const struct ep_kind ep_kind_tap;
extern const struct ep_kind ep_kind_veth;
extern const struct ep_kind ep_kind_memif;
extern const struct ep_kind ep_kind_pcap;
extern const struct ep_kind ep_kind_qemu;
extern const struct ep_kind ep_kind_vhost;
extern const struct ep_kind ep_kind_lwip;
extern const struct ep_kind ep_kind_packet;
extern const struct ep_kind ep_kind_echo;
extern const struct ep_kind ep_kind_sink;
extern const struct ep_kind ep_kind_source;

/*
 * Attach by text, see epair_attach() and epair_attach_fds(): spec NULL is what
 * the vnet gives; with may be NULL.
 */
int ep_attach(struct epair_if *ifp, const char *spec, const struct ep_fds *with,
    struct epair_err *err);

/*
 * Attach what the vnet in which ifp is gives its interfaces, if it does and
 * nothing was attached by hand. Returns as ep_attach().
 */
int ep_attach_by_vnet(struct epair_if *ifp, struct epair_err *err);

/* Check a text without attaching. */
int ep_attach_check(const char *spec, struct epair_err *err);

/* See epair_attach_needs(); names has max entries. */
int ep_attach_needs(
    const char *spec, const char **names, unsigned max, struct epair_err *err);

/* See epair_attach_open(); fds has max entries. */
int ep_attach_open(struct epair_if *ifp, const char *spec, struct epair_fd *fds,
    unsigned max, struct epair_err *err);

/*
 * Publish and start a stack made by other means (callbacks, pull), whose ops,
 * accepts and own fields are set. Takes it: on failure it has been released.
 * by_vnet is the serial of the vnet that gave it, or 0.
 */
int ep_attach_publish(struct epair_if *ifp, struct ep_stack *st,
    const char *spec, uint64_t by_vnet, struct epair_err *err);

/* Detach what is attached; see epair_detach(). `why` goes into the event. */
int ep_detach(struct epair_if *ifp, const char *why, struct epair_err *err);

/*
 * The attachment has lost what it stood on (device gone, namespace deleted)
 * for good: detach it from a task, with the reason in the event. Any thread,
 * any number of times, from any of its calls.
 */
void ep_attach_lost(struct ep_stack *st, const char *why);

/*
 * Something about what stands behind the interface changed (guest carrier,
 * device down): an ATTACHMENT event with this detail.
 */
void ep_attach_event(struct ep_stack *st, const char *detail);

/*
 * Whether what stands behind the interface is to see a link, in its own way:
 * carrier, a status, a connection. What changes it is told by ops->changed. The
 * other direction, that nobody is behind it, is ep_stack_present().
 */
static inline bool
ep_attach_has_link(const struct epair_if_info *info)
{
	return (info->flags & EPAIR_IFF_UP) != 0 && info->link == EPAIR_LINK_UP;
}

/*
 * Fill *progress but for its size: as the framework counts it, then by the
 * kind, which leaves alone what it does not know better.
 */
void ep_attach_progress(struct ep_stack *st, struct epair_progress *progress);

#endif /* EP_ATTACH_ATTACH_H */
