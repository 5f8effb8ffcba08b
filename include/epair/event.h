/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epair/event.h - what happened to interfaces (contract 8.5).
 *
 * A subscription is a bounded queue of events with a pollable descriptor. No
 * event is lost while the reader keeps up; when it does not, a new one takes
 * the place of the newest that waits, and says how many are missing before it:
 * who has read all that waits knows of each that is missing.
 * Events carry names as they were; the interface may be gone when it is read.
 */
#ifndef EPAIR_EVENT_H
#define EPAIR_EVENT_H

#include <stdint.h>

#include <epair/err.h>
#include <epair/vnet.h>

#ifdef __cplusplus
extern "C" {
#endif

struct epair;
struct epair_if;
struct epair_sub;

/* X(NAME, "word") */
#define EPAIR_EVENTS(X) \
	X(CREATE, "create") \
	X(DESTROY, "destroy") \
	X(LINK, "link") \
	X(FLAGS, "flags") \
	X(MOVE, "move") \
	X(RENAME, "rename") \
	X(ATTACH, "attach") \
	X(DETACH, "detach") \
	X(VNET_ADD, "vnet-add") \
	X(VNET_DEL, "vnet-del") \
	X(ATTACHMENT, "attachment") \
	X(MTU, "mtu") \
	X(ADDRESS, "address") \
	X(SCENARIO, "scenario")

/* clang-format off */
enum epair_event_type {
#define EPAIR_EVENT_ENUM(NAME, word) EPAIR_EVENT_##NAME,
	EPAIR_EVENTS(EPAIR_EVENT_ENUM)
#undef EPAIR_EVENT_ENUM
	EPAIR_EVENT_MAX
};
/* clang-format on */

struct epair_event {
	enum epair_event_type type;
	uint32_t index; /* of the interface; 0 for vnet events */
	uint64_t time_ns; /* of the instance's clock */
	uint64_t missing; /* events lost just before this one */
	char vnet[EPAIR_NAME_MAX];
	char name[EPAIR_NAME_MAX]; /* of the interface, "" for vnet events */
	char old_vnet[EPAIR_NAME_MAX]; /* MOVE: where it was */
	char old_name[EPAIR_NAME_MAX]; /* RENAME, or a MOVE that renamed */
	uint32_t flags; /* EPAIR_IFF_* after it */
	int link; /* enum epair_link after it */
	/*
	 * ATTACH: the spec; MTU, ADDRESS: it; SCENARIO: the step; LINK,
	 * DETACH, ATTACHMENT: why
	 */
	char detail[128];
};

/* The word of a type ("create"), or NULL. */
EPAIR_API const char *epair_event_word(enum epair_event_type type);

/*
 * Tell of an interface by an ATTACHMENT event with words of the program's own,
 * of which 127 octets are told. Returns 0, or -ENXIO.
 */
EPAIR_API int epair_if_tell(struct epair_if *ifp, const char *detail);

/*
 * Subscribe to all events of the instance from now on; at most `limit` wait
 * (0 is 1024). Gives *sub, to be ended by epair_unsubscribe().
 * Returns 0; -ENOMEM; -EMFILE; -EINVAL for a limit above 1048576.
 */
EPAIR_API int epair_subscribe(struct epair *ep, unsigned limit,
    struct epair_sub **sub, struct epair_err *err);

/*
 * End a subscription; what waits is forgotten. After it returns no callback of
 * it runs; from a callback - its own, or another while some callback is waiting
 * already - it returns at once and one that runs meanwhile is the last. NULL is
 * ignored.
 */
EPAIR_API void epair_unsubscribe(struct epair_sub *sub);

/* Take the next event. Returns 1, or 0 if none waits. Never blocks. */
EPAIR_API int epair_event_next(struct epair_sub *sub, struct epair_event *ev);

/* A descriptor that polls readable while events wait; the subscription's. */
EPAIR_API int epair_event_fd(struct epair_sub *sub);

/*
 * Have events called instead of fetched: cb runs from a task of worker 0, in
 * order, with no lock held, and may call anything. To be set once, right after
 * subscribing.
 */
EPAIR_API void epair_event_callback(struct epair_sub *sub,
    void (*cb)(void *arg, const struct epair_event *ev), void *arg);

#ifdef __cplusplus
}
#endif

#endif /* EPAIR_EVENT_H */
