/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epair/attach.h - what stands behind an end and plays its stack.
 *
 * An interface has at most one attachment. It is handed what the interface
 * receives and transmits on it. There are three sorts:
 *
 *	by name    "tap:netns=red,addr=10.0.0.1/24", see epair-attach(7)
 *	callbacks  the program's own functions, epair_attach_stack()
 *	pull       a bounded queue that the program empties when it likes,
 *	           epair_attach_pull(), epair_if_recv(), epair_if_recv_fd()
 *
 * Written form: `kind` or `kind:key=value,key=value`. A comma in a value is
 * written `\,`, a backslash `\\`. An unknown kind or key is an error that
 * names the known ones.
 *
 * What needs rights or another namespace is done by the opener, a process of
 * its own (epair_opener_start()); the process that moves frames needs no
 * capability.
 */
#ifndef EPAIR_ATTACH_H
#define EPAIR_ATTACH_H

#include <stddef.h>
#include <stdint.h>

#include <epair/err.h>

#ifdef __cplusplus
extern "C" {
#endif

struct epair;
struct epair_if;
struct epair_mbuf;

/*
 * Attach by name. The device, file or namespace is there when this returns.
 * Returns 0; -EINVAL for the text, naming the option, what was wrong and what
 * is allowed; -EBUSY if something is attached; -ENXIO if destroyed;
 * -EOPNOTSUPP for a kind that cannot live in this instance (SIM) or was left
 * out of this build; what the system said otherwise (-ENOENT for a namespace
 * or file that does not exist, -EPERM, -EEXIST ...).
 */
EPAIR_API int epair_attach(
    struct epair_if *ifp, const char *spec, struct epair_err *err);

/*
 * Detach. After it returns no callback of the attachment runs and what it held
 * is released (a TAP device is gone). From a callback of the same interface it
 * detaches at once and releases after that callback has returned.
 * Returns 0; -ENOENT if nothing is attached; -ENXIO if destroyed.
 */
EPAIR_API int epair_detach(struct epair_if *ifp, struct epair_err *err);

/* What changed on an interface; told to attachments. */
enum {
	EPAIR_CHANGED_FLAGS = 1u << 0,
	EPAIR_CHANGED_MTU = 1u << 1,
	EPAIR_CHANGED_MAC = 1u << 2,
	EPAIR_CHANGED_LINK = 1u << 3,
	EPAIR_CHANGED_NAME = 1u << 4,
	EPAIR_CHANGED_VNET = 1u << 5,
	EPAIR_CHANGED_MULTI = 1u << 6,
	EPAIR_CHANGED_CAPS = 1u << 7,
	EPAIR_CHANGED_WRITABLE = 1u << 8, /* epair_if_writable() */
};

/*
 * A stack of the program's own.
 *
 * receive: n >= 1 frames in order, which the callee now owns. Called from a
 *	worker, for one queue at a time; with several queues, from several
 *	workers at once. The array is the library's, valid for the call.
 * changed: something about the interface changed (EPAIR_CHANGED_*); look with
 *	epair_if_get_info(). From a worker. May be NULL.
 * detached: last call; arg is not used after it. From whichever thread ended
 *	the attachment. May be NULL.
 *
 * All three run with no lock of the library held and may call anything.
 */
struct epair_stack {
	size_t size; /* sizeof(struct epair_stack) */
	void (*receive)(void *arg, struct epair_if *ifp, struct epair_mbuf **ms,
	    unsigned n);
	void (*changed)(void *arg, struct epair_if *ifp, uint32_t what);
	void (*detached)(void *arg, struct epair_if *ifp);
	/*
	 * EPAIR_CAP_CSUM, TSO, USO, VLAN_HWTAGGING: what receive can take
	 * unfinished. 0: every frame arrives finished.
	 */
	uint32_t accepts;
};

/*
 * Attach a stack of one's own. The struct is copied. receive must be set.
 * Returns 0; -EINVAL; -EBUSY; -ENXIO; -ENOMEM.
 */
EPAIR_API int epair_attach_stack(struct epair_if *ifp,
    const struct epair_stack *stack, void *arg, struct epair_err *err);

/*
 * Attach a bounded queue of at most limit frames (0 is 4096) for
 * epair_if_recv(). What arrives while it is full is counted as
 * EPAIR_DROP_RX_STACK_FULL, and what nobody took until it is detached as
 * EPAIR_DROP_RX_STACK_DOWN.
 * Returns as epair_attach_stack().
 */
EPAIR_API int epair_attach_pull(
    struct epair_if *ifp, unsigned limit, struct epair_err *err);

/*
 * Take up to n received frames. Gives them to the caller. Never blocks.
 * Returns how many; 0 if none waits; -EINVAL if no pull queue is attached;
 * -ENXIO if destroyed; -ENOMEM on a thread's first call, for want of memory.
 */
EPAIR_API int epair_if_recv(
    struct epair_if *ifp, struct epair_mbuf **ms, unsigned n);

/*
 * A descriptor that polls readable while frames wait. The attachment's own:
 * do not read, write or close it; it dies with the attachment.
 * Returns it; -EMFILE, -ENFILE; or as epair_if_recv().
 */
EPAIR_API int epair_if_recv_fd(struct epair_if *ifp);

/* One attachment kind, as `epair help attach` and the man page show it. */
struct epair_kind {
	const char *name; /* "tap" */
	const char *sentence; /* what stands behind the interface */
	const char *const *keys; /* "addr=CIDR", ..., NULL */
	int sim; /* whether it lives in a SIM instance */
	/* The descriptors that it takes (epair/state.h), NULL; or NULL. */
	const char *const *fds;
};

/* The i-th kind of this build, or NULL behind the last. */
EPAIR_API const struct epair_kind *epair_kind_at(unsigned i);

/*
 * How an attachment that ends by itself is doing: `source:count=`, `pcap:
 * read=`, `lwip:ping=`. done is 1 when nothing is left for it to begin; sent
 * and received count frames since it was attached. The last burst may still be
 * on its way into the cable then: what the cable has is in the counters.
 */
struct epair_progress {
	size_t size; /* sizeof(struct epair_progress) */
	int done;
	uint64_t sent, received;
	/* lwip: jobs that have failed, and octets of send=, out and back. */
	int failed;
	uint64_t octets_sent, octets_received;
};

/* Returns 0; -ENOENT if nothing is attached; -ENXIO; -EINVAL for the size. */
EPAIR_API int epair_attach_progress(
    struct epair_if *ifp, struct epair_progress *progress);

#ifdef __cplusplus
}
#endif

#endif /* EPAIR_ATTACH_H */
